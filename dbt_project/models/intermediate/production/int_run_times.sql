-- One row per result: how its minutes divide into running, setting up and standing still. No source says so in words:
-- running is what the routing's speed explains, setting up what routing and changeover explain, the rest is standing.
with

routings as (
    select * from {{ ref('stg_mes__routings') }}
    qualify row_number() over (partition by sku, line_id order by observed_at desc, _source asc) = 1
),

changeovers as (
    select * from {{ ref('int_changeovers') }}
),

results as (
    select
        results.*,
        coalesce(results.ended_at, results.started_at) as until_at,
        date_diff('second', results.started_at, coalesce(results.ended_at, results.started_at)) / 60.0 as elapsed_minutes,
        cast(results.good_units + coalesce(results.scrap_units, 0) as double) / nullif(routings.units_per_hour, 0) * 60 as usual_minutes,
        coalesce(routings.setup_minutes, 0) as setup_minutes,
        coalesce(routings.setup_family, results.sku) as family,
        routings.ideal_units_per_hour
    from {{ ref('stg_mes__results') }} as results
    left join routings on results.sku = routings.sku and results.line_id = routings.line_id
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
        case when followed.is_begin then followed.setup_minutes + coalesce(changeovers.minutes, 0) else 0 end as preparing_minutes
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
        elapsed_minutes / nullif(sum(elapsed_minutes) over work_order, 0) as share,
        sum(coalesce(usual_minutes, elapsed_minutes)) over work_order as order_usual_minutes,
        sum(preparing_minutes) over work_order as order_preparing_minutes,
        sum(elapsed_minutes) over work_order as order_minutes
    from prepared
    window work_order as (
        partition by _source, work_order_id order by started_at, result_id
        rows between unbounded preceding and unbounded following
    )
),

final as (
    select
        _source,
        result_id,
        until_at,
        ideal_units_per_hour,
        round(elapsed_minutes, 2) as planned_minutes,
        round(coalesce(share, 0) * least(order_preparing_minutes, order_minutes), 2) as setup_minutes,
        round(coalesce(share, 0) * greatest(order_minutes - order_preparing_minutes - order_usual_minutes, 0), 2) as stop_minutes
    from whole
)

select * from final
