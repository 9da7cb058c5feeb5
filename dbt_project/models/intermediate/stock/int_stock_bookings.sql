{{ restates('int_stock_restated_days', by='stock_on') }}

-- One row per booking of stock at one place, named by what happened: goods were made, received, returned or moved in;
-- sold, moved out, used or written off; or a count corrected the books. A till's sale takes from its store's shelf and a
-- till's return lies there again; goods sent to another place arrive there at the same moment. Each booking is on the date of
-- its own place. Dates from the earliest touched one on are restated.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

locations as (
    select * from {{ ref('dim_location') }}
),

movements as (
    select * from {{ ref('stg_wms__movements') }}
    where {{ may_be_restated('moved_at', 'int_stock_restated_days') }}
),

till_sales as (
    select * from {{ ref('fct_sales_line') }}
    where is_counted and location_id <> '-' and {{ is_restated('sold_on', 'int_stock_restated_days') }}
),

named as (
    select
        *,
        case
            when kind = 'production' or (kind = 'receipt' and reference_kind = 'work_order') then 'made'
            when kind in ('receipt', 'purchase') then 'received'
            when kind = 'return' then 'returned'
            when kind = 'transfer_in' then 'moved_in'
            when kind in ('shipment', 'delivery') and to_location_id is null then 'sold'
            when kind = 'sale' then 'sold'
            when kind in ('shipment', 'delivery', 'transfer', 'transfer_out') then 'moved_out'
            when kind in ('issue', 'consumption') then 'used'
            when kind in ('write_off', 'scrap') then 'written_off'
            else 'adjustment'
        end as flow
    from movements
),

legs as (
    -- A count's booking is signed; of all others the kind says which way the goods went.
    select
        location_id,
        sku,
        lot_id,
        moved_at,
        flow,
        case when flow = 'adjustment' then units else abs(units) end as units,
        _source || ':' || movement_id as movement_id
    from named
    union all
    select
        to_location_id as location_id,
        sku,
        lot_id,
        moved_at,
        'moved_in' as flow,
        abs(units) as units,
        _source || ':' || movement_id as movement_id
    from named
    where to_location_id is not null and flow = 'moved_out'
),

dated as (
    select
        legs.location_id,
        legs.sku,
        legs.lot_id,
        {{ moved_on('legs', 'locations', 'workspace') }} as stock_on,
        legs.flow,
        legs.units,
        legs.movement_id
    from legs
    cross join workspace
    left join locations on legs.location_id = locations.location_id
),

final as (
    select * from dated
    where {{ is_restated('stock_on', 'int_stock_restated_days') }}
    union all
    select
        location_id,
        sku,
        '-' as lot_id,
        sold_on as stock_on,
        case when units < 0 then 'returned' else 'sold' end as flow,
        abs(units) as units,
        '-' as movement_id
    from till_sales
)

select * from final
