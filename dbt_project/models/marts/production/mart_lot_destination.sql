{{ config(tags=['pass_b']) }}

-- One row per lot and order or place that it was sent to or lies at. Neither a till nor a distributor or a platform tells
-- which lots it sells, so the trace of what was sent there ends there; a place of ours that keeps lots and has none of this
-- one left was a station on its way.
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

places as (
    select * from {{ ref('dim_location') }}
    where kind not in ('store', 'web')
),

final as (
    select
        coalesce(sent.sku, on_hand.sku) as sku,
        coalesce(sent.lot_id, on_hand.lot_id) as lot_id,
        coalesce(sent.kind, 'location') as kind,
        coalesce(sent.reached_id, on_hand.location_id) as reached_id,
        orders.shop_id,
        cast(coalesce(sent.units, 0) as decimal(18, 3)) as units,
        -- Of what was sent to others, that counts, and not what is left there.
        cast(case when sent.sku is null or places.location_id is not null then coalesce(on_hand.units, 0) else 0 end as decimal(18, 3))
            as on_hand_units,
        sent.first_at,
        sent.last_at,
        case
            when sent.kind = 'order' then 'customer'
            when sent.sku is not null and places.location_id is null then 'store'
            when on_hand.sku is not null then 'in stock'
            else 'sent on'
        end as ends_with
    from sent
    full outer join {{ ref('int_lots_lying') }} as on_hand
        on
            sent.kind = 'location' and sent.reached_id = on_hand.location_id
            and sent.sku = on_hand.sku and sent.lot_id = on_hand.lot_id
    left join orders on sent.kind = 'order' and sent.reached_id = orders.order_id
    left join places on sent.kind = 'location' and sent.reached_id = places.location_id
)

select * from final
