-- One row per place, SKU, lot, quality and day on which stock came, went, was corrected or was counted.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

locations as (
    select * from {{ ref('dim_location') }}
),

movements as (
    select
        moved.*,
        {{ business_date('moved.moved_at', 'workspace.timezone', 'workspace.day_starts_minutes') }} as moved_on
    from {{ ref('stg_wms__movements') }} as moved
    cross join workspace
),

counts as (
    select * from {{ ref('stg_wms__stock') }}
),

till_sales as (
    select * from {{ ref('fct_sales_line') }}
    where is_counted and location_id <> '-'
),

-- What the books know: a store's stock is known only where somebody counts it.
known as (
    select distinct location_id, sku from counts
    union
    select distinct movements.location_id, movements.sku
    from movements
    inner join locations on movements.location_id = locations.location_id and locations.kind <> 'store'
),

booked as (
    -- A count's booking is signed; of all others the kind says which way the goods went.
    select
        location_id, sku, lot_id, moved_on as stock_on,
        case when kind in ('receipt', 'production', 'purchase', 'return', 'transfer_in') then abs(units) else 0 end as in_units,
        case
            when kind in ('shipment', 'delivery', 'transfer', 'transfer_out', 'issue', 'consumption', 'sale', 'write_off', 'scrap')
                then abs(units)
            else 0
        end as out_units,
        case when in_units = 0 and out_units = 0 then units else 0 end as adjustment_units
    from movements
    union all
    select to_location_id as location_id, sku, lot_id, moved_on as stock_on, abs(units) as in_units, 0 as out_units, 0 as adjustment_units
    from movements
    where to_location_id is not null and kind in ('shipment', 'delivery', 'transfer', 'transfer_out')
    union all
    select location_id, sku, '-' as lot_id, sold_on as stock_on, 0 as in_units, units as out_units, 0 as adjustment_units
    from till_sales
),

flows as (
    select
        booked.location_id,
        booked.sku,
        -- A till sells without a lot, so a store's stock is kept without one.
        case when locations.kind = 'store' then '-' else booked.lot_id end as lot_id,
        'good' as quality,
        booked.stock_on,
        booked.in_units,
        booked.out_units,
        booked.adjustment_units,
        cast(null as decimal(18, 3)) as counted_units
    from booked
    inner join known on booked.location_id = known.location_id and booked.sku = known.sku
    left join locations on booked.location_id = locations.location_id
    union all
    select
        counts.location_id,
        counts.sku,
        case when locations.kind = 'store' then '-' else counts.lot_id end as lot_id,
        counts.quality,
        counts.as_of as stock_on,
        0 as in_units,
        0 as out_units,
        0 as adjustment_units,
        counts.on_hand_units as counted_units
    from counts
    left join locations on counts.location_id = locations.location_id
),

final as (
    select
        location_id,
        sku,
        lot_id,
        quality,
        stock_on,
        cast(sum(in_units) as decimal(18, 3)) as in_units,
        cast(sum(out_units) as decimal(18, 3)) as out_units,
        cast(sum(adjustment_units) as decimal(18, 3)) as adjustment_units,
        cast(sum(counted_units) as decimal(18, 3)) as counted_units
    from flows
    group by location_id, sku, lot_id, quality, stock_on
)

select * from final
