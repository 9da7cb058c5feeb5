-- One row per result: how its minutes divide into running, setting up and standing still. Setting up is what routing and
-- changeover explain. Standing still is what the line's own alarms tell; of a line without alarms no source says so in
-- words, and what neither speed nor set-up explains is taken for it.
with

routings as (
    select * from {{ ref('stg_mes__routings') }}
    qualify row_number() over (partition by sku, line_id order by observed_at desc, _source asc) = 1
),

changeovers as (
    select * from {{ ref('int_changeovers') }}
),

told as (
    select
        line_id,
        min(started_at) as first_at
    from {{ ref('int_line_stops') }}
    group by line_id
),

stops as (
    select
        _source,
        result_id,
        {{ in_order('sum', 'minutes', 'reason') }} as minutes
    from {{ ref('int_run_stops') }}
    group by _source, result_id
),

results as (
    select
        results.*,
        coalesce(results.ended_at, results.started_at) as until_at,
        {{ minutes_between('results.started_at', 'coalesce(results.ended_at, results.started_at)') }} as elapsed_minutes,
        cast(results.good_units + coalesce(results.scrap_units, 0) as double) / nullif(routings.units_per_hour, 0) * 60 as usual_minutes,
        coalesce(routings.setup_minutes, 0) as setup_minutes,
        coalesce(routings.setup_family, results.sku) as family,
        routings.ideal_units_per_hour,
        coalesce(stops.minutes, 0) as told_minutes,
        coalesce(told.first_at <= coalesce(results.ended_at, results.started_at), false) as is_told
    from {{ ref('stg_mes__results') }} as results
    left join routings on results.sku = routings.sku and results.line_id = routings.line_id
    left join told on results.line_id = told.line_id
    left join stops on results._source = stops._source and results.result_id = stops.result_id
),

followed as (
    select
        *,
        lag(family) over line as family_before,
        coalesce(lag(work_order_id) over line, '') <> work_order_id as is_begin
    from results
    window line as (partition by _source, line_id order by started_at, result_id)
),

prepared as (
    select
        followed.*,
        case when followed.is_begin then coalesce(changeovers.minutes, 0) else 0 end as changing_minutes,
        case when followed.is_begin then followed.setup_minutes else 0 end + changing_minutes as preparing_minutes
    from followed
    left join changeovers
        on
            followed.line_id = changeovers.line_id
            and followed.family_before = changeovers.from_family
            and followed.family = changeovers.to_family
),

-- A work order that spans shifts is set up once; its minutes are judged as a whole.
whole as (
    select
        *,
        coalesce(elapsed_minutes / nullif(sum(elapsed_minutes) over work_order, 0), 0) as share,
        sum(coalesce(usual_minutes, elapsed_minutes)) over work_order as order_usual_minutes,
        sum(preparing_minutes) over work_order as order_preparing_minutes,
        sum(changing_minutes) over work_order as order_changing_minutes,
        sum(elapsed_minutes) over work_order as order_minutes
    from prepared
    window work_order as (
        partition by _source, work_order_id order by started_at, result_id
        rows between unbounded preceding and unbounded following
    )
),

divided as (
    select
        *,
        round(share * least(order_preparing_minutes, order_minutes), 2) as set_up_minutes,
        round(share * greatest(order_minutes - order_preparing_minutes - order_usual_minutes, 0), 2) as inferred_minutes
    from whole
),

final as (
    select
        _source,
        result_id,
        until_at,
        ideal_units_per_hour,
        round(elapsed_minutes, 2) as planned_minutes,
        set_up_minutes as setup_minutes,
        coalesce(round(set_up_minutes * order_changing_minutes / nullif(order_preparing_minutes, 0), 2), 0) as changeover_minutes,
        case when is_told then least(round(told_minutes, 2), round(elapsed_minutes, 2) - set_up_minutes) else inferred_minutes end as stop_minutes,
        case when is_told then 'alarms' else 'speed' end as stop_basis
    from divided
)

select * from final
