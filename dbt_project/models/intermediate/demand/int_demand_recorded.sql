-- One row per SKU, channel, place and day of what history is made of: every day of a SKU and channel with a shelf known to
-- have been empty, and of the others the days with a bulk order. All other days of demand stand as they were observed.
with

days as (
    select * from {{ ref('fct_demand_day') }}
),

emptied as (
    select distinct
        sku,
        channel_id
    from days
    where not is_in_stock
),

bulk as (
    select
        sku,
        channel_id,
        location_id,
        sold_on,
        sum(units) as units
    from {{ ref('int_bulk_orders') }}
    group by sku, channel_id, location_id, sold_on
),

final as (
    select
        days.sku,
        days.channel_id,
        days.location_id,
        days.demand_on,
        days.units,
        cast(coalesce(bulk.units, 0) as decimal(18, 3)) as bulk_units,
        days.is_in_stock
    from days
    left join emptied on days.sku = emptied.sku and days.channel_id = emptied.channel_id
    left join bulk
        on
            days.sku = bulk.sku
            and days.channel_id = bulk.channel_id
            and days.location_id = bulk.location_id
            and days.demand_on = bulk.sold_on
    where emptied.sku is not null or bulk.sku is not null
)

select * from final
