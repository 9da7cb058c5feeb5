-- One row per place, SKU, lot and quality with stock now: when it was made and expires. A till sells without a lot, so of
-- what a store holds the lots are told from what was delivered: the lot that expires first is sold first, hence what is
-- left are the lots that expire last.
with

locations as (
    select * from {{ ref('dim_location') }}
),

latest as (
    select
        days.*,
        locations.kind
    from {{ ref('fct_stock_day') }} as days
    left join locations on days.location_id = locations.location_id
    qualify row_number() over (
        partition by days.location_id, days.sku, days.lot_id, days.quality order by days.stock_on desc
    ) = 1
),

lots as (
    select * from {{ ref('int_lots') }}
),

told as (
    select
        sku,
        lot_id,
        min(produced_on) as produced_on,
        min(expiry_on) as expiry_on
    from lots
    where lot_id <> '-'
    group by sku, lot_id
),

brought as (
    select
        location_id,
        sku,
        lot_id,
        sum(units) as units
    from {{ ref('int_stock_bookings') }}
    where flow = 'moved_in' and lot_id <> '-'
    group by location_id, sku, lot_id
),

shelved as (
    select
        latest.location_id,
        latest.sku,
        brought.lot_id,
        latest.quality,
        told.produced_on,
        told.expiry_on,
        latest.closing_units,
        brought.units,
        coalesce(sum(brought.units) over (
            partition by latest.location_id, latest.sku, latest.quality
            order by told.expiry_on desc nulls first, brought.lot_id desc
            rows between unbounded preceding and 1 preceding
        ), 0) as units_later
    from latest
    inner join brought on latest.location_id = brought.location_id and latest.sku = brought.sku
    left join told on brought.sku = told.sku and brought.lot_id = told.lot_id
    where latest.kind = 'store' and latest.lot_id = '-' and latest.quality = 'good' and latest.closing_units > 0
),

estimated as (
    select
        * {{ but(['units']) }},
        least(units, closing_units - units_later) as units
    from shelved
    where units_later < closing_units
),

accounted as (
    select
        location_id,
        sku,
        quality,
        sum(units) as units
    from estimated
    group by location_id, sku, quality
),

final as (
    select
        location_id,
        sku,
        lot_id,
        quality,
        units,
        cast(0 as decimal(18, 3)) as reserved_units,
        produced_on,
        expiry_on,
        true as is_estimated
    from estimated
    union all
    select
        latest.location_id,
        latest.sku,
        latest.lot_id,
        latest.quality,
        latest.closing_units - coalesce(accounted.units, 0) as units,
        coalesce(lots.reserved_units, 0) as reserved_units,
        lots.produced_on,
        lots.expiry_on,
        false as is_estimated
    from latest
    left join lots
        on latest.location_id = lots.location_id and latest.sku = lots.sku and latest.lot_id = lots.lot_id and latest.quality = lots.quality
    left join accounted
        on
            latest.location_id = accounted.location_id and latest.sku = accounted.sku and latest.quality = accounted.quality
            and latest.lot_id = '-'
    where latest.closing_units <> coalesce(accounted.units, 0)
)

select * from final
