-- One row per SKU, lot and quality that the mill, its warehouses and those who keep goods of ours hold now; they serve demand
-- as one place. What is sold is stock no more.
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

final as (
    select
        latest.sku,
        'PLANT' as location_id,
        latest.lot_id,
        latest.quality,
        '-' as owner_id,
        cast(sum(latest.closing_units) as double) as on_hand_units,
        cast(sum(coalesce(lots.reserved_units, 0)) as double) as reserved_units,
        min(lots.expiry_on) as expiry_on
    from latest
    inner join locations on latest.location_id = locations.location_id
    left join lots
        on latest.location_id = lots.location_id and latest.sku = lots.sku and latest.lot_id = lots.lot_id and latest.quality = lots.quality
    group by latest.sku, latest.lot_id, latest.quality
    having sum(latest.closing_units) > 0
)

select * from final
