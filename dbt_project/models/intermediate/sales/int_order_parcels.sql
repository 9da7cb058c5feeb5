-- One row per web order that a shop says it sent: when, how dear its parcel was among its carrier's, and whether the
-- warehouse knows of goods that left for it.
with

shipments as (
    select * from {{ ref('stg_ecommerce__shipments') }}
),

-- What left for an order, and until when each place's bookings are known.
left_for_orders as (
    select distinct reference_id as order_id
    from {{ ref('stg_wms__movements') }}
    where kind = 'shipment' and reference_kind = 'order'
),

places as (
    select
        location_id,
        max(moved_at) as known_until_at
    from {{ ref('stg_wms__movements') }}
    where kind = 'shipment' and reference_kind = 'order'
    group by location_id
),

parcels as (
    select
        order_id,
        shipment_id,
        coalesce(carrier, '-') as carrier,
        coalesce(currency, '-') as currency,
        location_id,
        min(shipped_at) as shipped_at,
        sum(freight_amount) as freight_amount
    from shipments
    group by order_id, shipment_id, carrier, currency, location_id
),

usual as (
    select
        carrier,
        currency,
        median(freight_amount) as freight_amount
    from parcels
    where freight_amount > 0
    group by carrier, currency
),

final as (
    select
        parcels.order_id,
        min(parcels.shipped_at) as shipped_at,
        -- Less than half of what its carrier usually takes is the class of a parcel with nothing in it.
        max(parcels.freight_amount) < cast(max(usual.freight_amount) / 2 as decimal(18, 4)) as is_light,
        max(left_for_orders.order_id) is not null as has_left,
        -- No news is only news where the place keeps books by order, and has kept them for long enough.
        max(left_for_orders.order_id) is null and min(parcels.shipped_at) < min(places.known_until_at) as is_unmoved
    from parcels
    left join usual on parcels.carrier = usual.carrier and parcels.currency = usual.currency
    left join places on parcels.location_id = places.location_id
    left join left_for_orders on parcels.order_id = left_for_orders.order_id
    group by parcels.order_id
)

select * from final
