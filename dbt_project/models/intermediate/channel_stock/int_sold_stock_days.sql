-- One row per place whose goods are sold, SKU, lot and day with a booking or a count of good units, by our books of it: what
-- it bought, sold on, sent back and wrote off.
with

places as (
    select * from {{ ref('dim_location') }}
    where not is_ours
),

days as (
    select * from {{ ref('fct_stock_day') }}
    where quality = 'good'
),

final as (
    select
        days.location_id as distributor_id,
        days.sku,
        days.lot_id,
        days.stock_on,
        places.kind as holder_kind,
        days.opening_units,
        cast(days.made_units + days.received_units + days.moved_in_units as decimal(18, 3)) as purchase_units,
        -- What its shoppers bring back was not sold after all.
        cast(days.sold_units - days.returned_units as decimal(18, 3)) as sale_units,
        days.moved_out_units as return_units,
        cast(days.used_units + days.written_off_units as decimal(18, 3)) as write_off_units,
        days.adjustment_units,
        days.closing_units,
        days.counted_units
    from days
    inner join places on days.location_id = places.location_id
)

select * from final
