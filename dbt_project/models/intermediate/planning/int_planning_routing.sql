-- One row per SKU and line that can make it; the fastest line is preferred.
with

routings as (
    select * from {{ ref('stg_mes__routings') }}
    where units_per_hour > 0
    qualify row_number() over (partition by sku, line_id order by observed_at desc, _source asc) = 1
),

minute_costs as (
    select * from {{ ref('int_minute_costs') }}
),

final as (
    select
        routings.sku,
        routings.line_id,
        routings.units_per_hour,
        coalesce(routings.setup_minutes, 0) as setup_minutes,
        coalesce(routings.setup_minutes, 0) * coalesce(minute_costs.cost_per_minute, 0) as setup_cost,
        coalesce(routings.setup_family, routings.sku) as setup_family,
        cast(routings.min_run_units as double) as min_run_units,
        row_number() over (partition by routings.sku order by routings.units_per_hour desc, routings.line_id asc) = 1 as is_preferred
    from routings
    left join minute_costs on routings.sku = minute_costs.sku and routings.line_id = minute_costs.line_id
)

select * from final
