-- One row per SKU and line that can make it; the fastest line is preferred.
with

routings as (
    select * from {{ ref('stg_mes__routings') }}
    where units_per_hour > 0
    qualify row_number() over (partition by sku, line_id order by observed_at desc, _source asc) = 1
),

final as (
    select
        sku,
        line_id,
        units_per_hour,
        coalesce(setup_minutes, 0) as setup_minutes,
        coalesce(setup_minutes, 0) * {{ var('setup_cost_per_minute') }} as setup_cost,
        coalesce(setup_family, sku) as setup_family,
        cast(min_run_units as double) as min_run_units,
        row_number() over (partition by sku order by units_per_hour desc, line_id asc) = 1 as is_preferred
    from routings
)

select * from final
