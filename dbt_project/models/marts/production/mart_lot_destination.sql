{{ config(tags=['pass_b']) }}

-- One row per lot and order or place that it was sent to. A till keeps no lots, so the trace of what was delivered to a
-- store ends there; a place that sent the lot on is a station on its way.
with

movements as (
    select * from {{ ref('stg_wms__movements') }}
    where lot_id <> '-'
),

orders as (
    select
        order_id,
        min(shop_id) as shop_id
    from {{ ref('stg_ecommerce__orders') }}
    group by order_id
    having count(*) = 1
),

booked as (
    select
        sku,
        lot_id,
        'order' as kind,
        reference_id as reached_id,
        abs(units) as units,
        moved_at
    from movements
    where kind = 'shipment' and reference_kind = 'order' and reference_id is not null
    union all
    select
        sku,
        lot_id,
        'location' as kind,
        to_location_id as reached_id,
        abs(units) as units,
        moved_at
    from movements
    where to_location_id is not null and kind in ('shipment', 'delivery', 'transfer', 'transfer_out')
),

told as (
    select distinct
        sku,
        reached_id
    from booked
    where kind = 'order'
),

-- What a shop says of its parcels counts for orders of which the warehouse told no lot.
parcels as (
    select
        shipments.sku,
        shipments.lot_id,
        'order' as kind,
        shipments.order_id as reached_id,
        shipments.units,
        shipments.shipped_at as moved_at
    from {{ ref('stg_ecommerce__shipments') }} as shipments
    left join told on shipments.sku = told.sku and shipments.order_id = told.reached_id
    where shipments.lot_id <> '-' and told.sku is null
),

every as (
    select * from booked
    union all
    select * from parcels
),

sent as (
    select
        sku,
        lot_id,
        kind,
        reached_id,
        sum(units) as units,
        min(moved_at) as first_at,
        max(moved_at) as last_at
    from every
    group by sku, lot_id, kind, reached_id
),

senders as (
    select distinct
        location_id,
        sku,
        lot_id
    from movements
    where kind in ('shipment', 'delivery', 'transfer', 'transfer_out')
),

final as (
    select
        sent.sku,
        sent.lot_id,
        sent.kind,
        sent.reached_id,
        orders.shop_id,
        cast(sent.units as decimal(18, 3)) as units,
        sent.first_at,
        sent.last_at,
        case
            when sent.kind = 'order' then 'customer'
            when senders.location_id is not null then 'sent on'
            when locations.kind in ('store', 'distributor', 'platform') then 'store'
            else 'in stock'
        end as ends_with
    from sent
    left join orders on sent.kind = 'order' and sent.reached_id = orders.order_id
    left join senders
        on sent.kind = 'location' and sent.reached_id = senders.location_id and sent.sku = senders.sku and sent.lot_id = senders.lot_id
    left join {{ ref('dim_location') }} as locations on sent.kind = 'location' and sent.reached_id = locations.location_id
)

select * from final
