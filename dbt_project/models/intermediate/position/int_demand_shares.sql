-- One row per store or warehouse and SKU with stock: the share of demand it serves, and what left it on an average day,
-- both from the last eight weeks. A store serves its own channel, a warehouse all of them (`*`).
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

locations as (
    select * from {{ ref('dim_location') }}
    where kind = 'store' or {{ is_our_warehouse() }}
),

stock as (
    select
        days.location_id,
        days.sku,
        locations.kind,
        locations.channel_id,
        sum(case when days.stock_on >= workspace.today_on - 56 then days.sold_units + days.moved_out_units else 0 end) as out_units
    from {{ ref('fct_stock_day') }} as days
    inner join locations on days.location_id = locations.location_id
    cross join workspace
    group by days.location_id, days.sku, locations.kind, locations.channel_id
),

sold as (
    select
        sales.sku,
        sales.channel_id,
        sales.location_id,
        cast(sum(sales.units) as double) as units,
        sum(cast(sum(sales.units) as double)) over (partition by sales.sku, sales.channel_id) as channel_units
    from {{ ref('fct_sales_line') }} as sales
    cross join workspace
    where sales.is_counted and sales.sold_on >= workspace.today_on - 56 and sales.sold_on < workspace.today_on
    group by sales.sku, sales.channel_id, sales.location_id
),

served as (
    select
        *,
        cast(sum(out_units) over (partition by sku) as double) as all_units,
        count(*) over (partition by sku) as places
    from stock
    where kind <> 'store'
),

final as (
    select
        served.location_id,
        served.sku,
        '*' as channel_id,
        -- Where nothing left any of them, they serve alike.
        case when served.all_units > 0 then cast(served.out_units as double) / served.all_units else cast(1 as double) / served.places end
            as share_rate,
        cast(served.out_units as double) / 56 as daily_units
    from served
    union all
    select
        stock.location_id,
        stock.sku,
        stock.channel_id,
        case when sold.channel_units > 0 then least(greatest(cast(sold.units as double) / sold.channel_units, 0), 1) else 0 end as share_rate,
        cast(greatest(coalesce(sold.units, 0), 0) as double) / 56 as daily_units
    from stock
    left join sold on stock.location_id = sold.location_id and stock.sku = sold.sku and stock.channel_id = sold.channel_id
    where stock.kind = 'store'
)

select * from final
