-- One row per SKU, lot and quality that the mill, its warehouses and those who keep goods of ours hold now; they serve demand
-- as one place. What is sold is stock no more. Units set aside for the orders we know are asked for by these orders: only
-- what is set aside beyond them is lacking for others.
with

locations as (
    select * from {{ ref('dim_location') }}
    where (kind = 'plant' and is_ours) or {{ is_our_warehouse() }}
),

latest as (
    select * from {{ ref('fct_stock_day') }}
    qualify row_number() over (partition by location_id, sku, lot_id, quality order by stock_on desc) = 1
),

lots as (
    select * from {{ ref('int_lots') }}
),

ordered as (
    select
        sku,
        sum(units) as units
    from {{ ref('int_planning_orders') }}
    group by sku
),

held as (
    select
        latest.sku,
        latest.lot_id,
        latest.quality,
        cast(sum(latest.closing_units) as double) as on_hand_units,
        cast(sum(coalesce(lots.reserved_units, 0)) as double) as reserved_units,
        min(lots.expiry_on) as expiry_on
    from latest
    inner join locations on latest.location_id = locations.location_id
    left join lots
        on latest.location_id = lots.location_id and latest.sku = lots.sku and latest.lot_id = lots.lot_id and latest.quality = lots.quality
    group by latest.sku, latest.lot_id, latest.quality
    having sum(latest.closing_units) > 0
),

final as (
    select
        held.sku,
        'PLANT' as location_id,
        held.lot_id,
        held.quality,
        '-' as owner_id,
        held.on_hand_units,
        case
            when held.quality = 'good' and held.reserved_units > 0
                then held.reserved_units * greatest(1 - coalesce(ordered.units, 0) / sum(held.reserved_units) over (partition by held.sku, held.quality), 0)
            else held.reserved_units
        end as reserved_units,
        held.expiry_on
    from held
    left join ordered on held.sku = ordered.sku
)

select * from final
