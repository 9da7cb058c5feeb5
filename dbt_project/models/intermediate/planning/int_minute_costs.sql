-- One row per SKU and line: what a minute of the line is worth, by the part of standard cost it adds in that minute.
with

routings as (
    select * from {{ ref('stg_mes__routings') }}
    where units_per_hour > 0
    qualify row_number() over (partition by sku, line_id order by observed_at desc, _source asc) = 1
),

items as (
    select * from {{ ref('dim_product') }}
    where is_current
),

final as (
    select
        routings.sku,
        routings.line_id,
        cast(items.standard_cost_amount as double) * {{ var('conversion_cost_rate') }} * routings.units_per_hour / 60 as cost_per_minute
    from routings
    inner join items on routings.sku = items.sku
    where items.standard_cost_amount is not null
)

select * from final
