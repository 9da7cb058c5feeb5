-- One row per place, SKU, lot and quality: when it was made, when it expires and what of it was promised when last counted.
with

counts as (
    select * from {{ ref('stg_wms__stock') }}
),

items as (
    select * from {{ ref('dim_product') }}
    where is_current
),

made as (
    select
        sku,
        lot_id,
        max(produced_on) as produced_on
    from {{ ref('fct_production_run') }}
    where lot_id <> '-'
    group by sku, lot_id
),

counted as (
    select
        location_id,
        sku,
        lot_id,
        quality,
        sum(reserved_units) as reserved_units,
        min(produced_on) as produced_on,
        min(expiry_on) as expiry_on
    from counts
    group by location_id, sku, lot_id, quality, as_of
    qualify as_of = max(as_of) over (partition by location_id, sku, lot_id, quality)
),

booked as (
    select distinct
        location_id,
        sku,
        lot_id,
        quality
    from {{ ref('fct_stock_day') }}
),

final as (
    select
        booked.location_id,
        booked.sku,
        booked.lot_id,
        booked.quality,
        coalesce(counted.reserved_units, 0) as reserved_units,
        coalesce(counted.produced_on, made.produced_on) as produced_on,
        coalesce(
            counted.expiry_on,
            coalesce(counted.produced_on, made.produced_on) + cast(items.shelf_life_days as integer)
        ) as expiry_on
    from booked
    left join counted
        on
            booked.location_id = counted.location_id and booked.sku = counted.sku
            and booked.lot_id = counted.lot_id and booked.quality = counted.quality
    left join made on booked.sku = made.sku and booked.lot_id = made.lot_id
    left join items on booked.sku = items.sku
)

select * from final
