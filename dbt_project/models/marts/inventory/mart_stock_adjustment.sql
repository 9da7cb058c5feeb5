{{ config(tags=['pass_b']) }}

-- One row per place, SKU, lot, quality and day on which a count and the books disagreed: what the count's own booking put
-- right, and what nobody booked, with what it is worth. A finding of data health, never hidden in a flow.
with

stock as (
    select * from {{ ref('fct_stock_day') }}
    where adjustment_units <> 0
),

flows as (
    select * from {{ ref('int_stock_flows') }}
),

items as (
    select * from {{ ref('dim_product') }}
    where is_current
),

parted as (
    select
        stock.*,
        flows.adjustment_units as booked_units,
        stock.adjustment_units - flows.adjustment_units as unexplained_units
    from stock
    inner join flows
        on
            stock.location_id = flows.location_id and stock.sku = flows.sku and stock.lot_id = flows.lot_id
            and stock.quality = flows.quality and stock.stock_on = flows.stock_on
),

final as (
    select
        parted.location_id,
        parted.sku,
        parted.lot_id,
        parted.quality,
        parted.stock_on,
        parted.booked_units,
        cast(parted.unexplained_units as decimal(18, 3)) as unexplained_units,
        parted.adjustment_units,
        parted.counted_units,
        cast({{ product('parted.adjustment_units', 'items.standard_cost_amount') }} as decimal(18, 4)) as value_amount,
        case
            when parted.unexplained_units = 0 then 'counted'
            when parted.closing_units < 0 or parted.opening_units + parted.in_units - parted.out_units < 0 then 'negative_books'
            else 'unbooked'
        end as cause
    from parted
    left join items on parted.sku = items.sku
)

select * from final
