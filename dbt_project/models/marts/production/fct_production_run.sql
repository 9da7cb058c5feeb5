{{ config(tags=['pass_b']) }}

-- One row per result: what one work order made on one line in one shift, beside the line's own counter.
with

results as (
    select
        *,
        coalesce(ended_at, started_at) as until_at,
        lag(coalesce(ended_at, started_at)) over (partition by _source, line_id order by started_at, result_id) as before_at
    from {{ ref('stg_mes__results') }}
),

work_orders as (
    select * from {{ ref('stg_mes__work_orders') }}
),

times as (
    select * from {{ ref('int_run_times') }}
),

counters as (
    select * from {{ ref('int_line_counters') }}
    where tag = 'good_count'
),

workspace as (
    select * from {{ ref('int_workspace') }}
),

spans as (
    select
        line_id,
        min(read_at) as first_at,
        max(read_at) as last_at
    from counters
    group by line_id
),

-- Counters are read now and then. What a run made shows in the first reading after it, so the next run counts from there.
started as (
    {{ as_of('results', 'started_at', 'counters', 'read_at', {'line_id': 'line_id'}, ['counted_units']) }}
),

handed_over as (
    {{ as_of('results', 'before_at', 'counters', 'read_at', {'line_id': 'line_id'}, ['counted_units'], next=true) }}
),

ended as (
    {{ as_of('results', 'until_at', 'counters', 'read_at', {'line_id': 'line_id'}, ['counted_units'], next=true) }}
),

final as (
    select
        results._source,
        results.work_order_id,
        results.result_id,
        results.line_id,
        results.shift_id,
        results.sku,
        results.lot_id,
        {{ business_date('results.started_at', 'workspace.timezone', 'workspace.day_starts_minutes') }} as produced_on,
        work_orders.planned_units,
        results.good_units,
        coalesce(results.scrap_units, 0) as scrap_units,
        coalesce(results.rework_units, 0) as rework_units,
        results.scrap_reason,
        cast(results.good_units + coalesce(results.scrap_units, 0) + coalesce(results.rework_units, 0) as decimal(18, 3)) as made_units,
        times.planned_minutes,
        times.planned_minutes - times.setup_minutes - times.stop_minutes as run_minutes,
        times.setup_minutes,
        times.changeover_minutes,
        times.stop_minutes,
        times.stop_basis,
        times.ideal_units_per_hour,
        cast(made_units as double) / nullif(times.ideal_units_per_hour, 0) * 60 as ideal_minutes,
        cast(results.good_units as double) / nullif(cast(made_units as double), 0) as first_pass_rate,
        1 - cast(coalesce(results.scrap_units, 0) as double) / nullif(cast(made_units as double), 0) as yield_rate,
        case
            when spans.first_at <= results.started_at and spans.last_at >= results.until_at
                then ended.counted_units - greatest(started.counted_units, coalesce(handed_over.counted_units, 0))
        end as counter_units,
        results.started_at,
        results.until_at as ended_at
    from results
    cross join workspace
    inner join times on results._source = times._source and results.result_id = times.result_id
    left join work_orders on results._source = work_orders._source and results.work_order_id = work_orders.work_order_id
    left join spans on results.line_id = spans.line_id
    left join started on results._source = started._source and results.result_id = started.result_id
    left join handed_over on results._source = handed_over._source and results.result_id = handed_over.result_id
    left join ended on results._source = ended._source and results.result_id = ended.result_id
)

select * from final
