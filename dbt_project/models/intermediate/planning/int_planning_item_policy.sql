-- One row per SKU: the policy people gave it, else its category, else everything; costs are per unit and week.
with

items as (
    select * from {{ ref('dim_product') }}
    where is_current
),

policies as (
    select * from {{ ref('item_policy') }}
),

matched as (
    select
        items.sku,
        items.standard_cost_amount,
        items.shelf_life_days,
        items.base_unit,
        policies.* {{ but(['sku', 'category', 'location_id']) }}
    from items
    inner join policies
        on policies.sku in ('*', items.sku) and policies.category in ('*', items.category) and policies.location_id in ('*', 'PLANT')
    qualify row_number() over (
        partition by items.sku
        order by policies.sku = '*', policies.category = '*', policies.location_id = '*'
    ) = 1
),

final as (
    select
        sku,
        'PLANT' as location_id,
        service_level,
        cast(lead_time_days as double) as lead_time_days,
        cast(lot_min_units as double) as lot_min_units,
        -- What is counted is made in whole units; what is weighed or measured need not be.
        cast(
            coalesce(
                lot_multiple_units,
                case
                    when
                        lower(base_unit) not in (
                            'mg', 'g', 'kg', 't', 'oz', 'lb', 'lbs', 'ml', 'cl', 'l', 'litre', 'liter', 'hl', 'gal', 'mm', 'cm', 'm', 'm2', 'm3'
                        )
                        then 1
                end
            ) as double
        ) as lot_multiple_units,
        cast(lot_max_units as double) as lot_max_units,
        cast(shelf_life_days as double) as shelf_life_days,
        scrap_rate,
        cast(frozen_days as double) as frozen_days,
        cast(slushy_days as double) as slushy_days,
        cast(safety_stock_units as double) as safety_stock_units,
        cast(standard_cost_amount as double) * holding_cost_rate as holding_cost,
        cast(standard_cost_amount as double) * backorder_cost_rate as backorder_cost
    from matched
)

select * from final
