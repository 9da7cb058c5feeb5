-- One row per component lot and the lot that it went into. What is kept without lots (-) cannot be followed.
with

made as (
    select
        _source,
        work_order_id,
        lot_id,
        min(sku) as sku
    from {{ ref('stg_mes__results') }}
    group by _source, work_order_id, lot_id
),

used as (
    select * from {{ ref('stg_mes__consumption') }}
    where component_lot_id <> '-' and output_lot_id <> '-'
),

named as (
    select
        used.*,
        coalesce(made.sku, orders.sku) as output_sku
    from used
    left join made
        on used._source = made._source and used.work_order_id = made.work_order_id and used.output_lot_id = made.lot_id
    left join {{ ref('stg_mes__work_orders') }} as orders
        on used._source = orders._source and used.work_order_id = orders.work_order_id
),

final as (
    select
        component_sku,
        component_lot_id,
        output_sku,
        output_lot_id,
        sum(units) as units
    from named
    where output_sku is not null
    group by component_sku, component_lot_id, output_sku, output_lot_id
)

select * from final
