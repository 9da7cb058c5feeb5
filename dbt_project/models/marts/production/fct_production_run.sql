{{ config(tags=['pass_b']) }}

-- One row per result: what one work order made on one line in one shift, beside the line's own counter.
with

results as (
    select
        *,
        coalesce(ended_at, started_at) as until_at
    from {{ ref('stg_mes__results') }}
),

work_orders as (
    select * from {{ ref('stg_mes__work_orders') }}
),

routings as (
    select * from {{ ref('stg_mes__routings') }}
    qualify row_number() over (partition by sku, line_id order by observed_at desc, _source) = 1
),

counters as (
    select * from {{ ref('int_line_counters') }}
    where tag = 'good_count'
),

workspace as (
    select * from {{ ref('int_workspace') }}
),

spans as (
    select line_id, min(read_at) as first_at, max(read_at) as last_at from counters
    group by line_id
),

started as (
    select results._source, results.result_id, counters.counted_units
    from results
    asof inner join counters on results.line_id = counters.line_id and results.started_at >= counters.read_at
),

ended as (
    select results._source, results.result_id, counters.counted_units
    from results
    asof inner join counters on results.line_id = counters.line_id and results.until_at >= counters.read_at
),

timed as (
    select
        results.*,
        date_diff('second', results.started_at, results.until_at) / 60.0 as elapsed_minutes,
        (cast(results.good_units as double) + coalesce(results.scrap_units, 0)) / nullif(routings.units_per_hour, 0) * 60 as usual_minutes,
        routings.ideal_units_per_hour
    from results
    left join routings on results.sku = routings.sku and results.line_id = routings.line_id
),

final as (
    select
        timed._source,
        timed.work_order_id,
        timed.result_id,
        timed.line_id,
        timed.shift_id,
        timed.sku,
        timed.lot_id,
        {{ business_date('timed.started_at', 'workspace.timezone', 'workspace.day_starts_minutes') }} as produced_on,
        work_orders.planned_units,
        timed.good_units,
        coalesce(timed.scrap_units, 0) as scrap_units,
        coalesce(timed.rework_units, 0) as rework_units,
        round(timed.elapsed_minutes, 2) as planned_minutes,
        -- Standing still is what the usual speed does not explain; no source says it in words.
        round(greatest(timed.elapsed_minutes - coalesce(timed.usual_minutes, timed.elapsed_minutes), 0), 2) as stop_minutes,
        round(least(timed.elapsed_minutes, coalesce(timed.usual_minutes, timed.elapsed_minutes)), 2) as run_minutes,
        timed.ideal_units_per_hour,
        case
            when spans.first_at <= timed.started_at and spans.last_at >= timed.until_at
                then ended.counted_units - started.counted_units
        end as counter_units,
        timed.started_at,
        timed.until_at as ended_at
    from timed
    cross join workspace
    left join work_orders on timed._source = work_orders._source and timed.work_order_id = work_orders.work_order_id
    left join spans on timed.line_id = spans.line_id
    left join started on timed._source = started._source and timed.result_id = started.result_id
    left join ended on timed._source = ended._source and timed.result_id = ended.result_id
)

select * from final
