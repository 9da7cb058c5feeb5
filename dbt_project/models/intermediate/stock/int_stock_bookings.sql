-- One row per booking of stock at one place: what came in, what went out, or what a count corrected. A till's sale takes
-- from its store's shelf; goods sent to another place arrive there on the same day.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

movements as (
    select
        moved.*,
        {{ business_date('moved.moved_at', 'workspace.timezone', 'workspace.day_starts_minutes') }} as moved_on
    from {{ ref('stg_wms__movements') }} as moved
    cross join workspace
),

till_sales as (
    select * from {{ ref('fct_sales_line') }}
    where is_counted and location_id <> '-'
),

final as (
    -- A count's booking is signed; of all others the kind says which way the goods went.
    select
        location_id,
        sku,
        lot_id,
        moved_on as stock_on,
        case when kind in ('receipt', 'production', 'purchase', 'return', 'transfer_in') then abs(units) else 0 end as in_units,
        case
            when kind in ('shipment', 'delivery', 'transfer', 'transfer_out', 'issue', 'consumption', 'sale', 'write_off', 'scrap')
                then abs(units)
            else 0
        end as out_units,
        case when in_units = 0 and out_units = 0 then units else 0 end as adjustment_units
    from movements
    union all
    select
        to_location_id as location_id,
        sku,
        lot_id,
        moved_on as stock_on,
        abs(units) as in_units,
        0 as out_units,
        0 as adjustment_units
    from movements
    where to_location_id is not null and kind in ('shipment', 'delivery', 'transfer', 'transfer_out')
    union all
    select
        location_id,
        sku,
        '-' as lot_id,
        sold_on as stock_on,
        0 as in_units,
        units as out_units,
        0 as adjustment_units
    from till_sales
)

select * from final
