-- One row per place and SKU with stock: what leaves it on an average day. Warehouses serve the whole forecast, a store
-- sells on as in its last eight weeks, and the mill serves nobody: what it makes moves on.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

locations as (
    select * from {{ ref('dim_location') }}
),

forecast as (
    select
        sku,
        avg(units order by week_on) / 7 as daily_units
    from (
        select
            sku,
            week_on,
            sum(mean order by channel_id) as units
        from {{ ref('int_planning_demand') }}
        group by sku, week_on
    )
    group by sku
),

stock as (
    select distinct
        location_id,
        sku
    from {{ ref('fct_stock_day') }}
),

store_sales as (
    select
        sales.location_id,
        sales.sku,
        cast(sum(sales.units) as double) / 56 as daily_units
    from {{ ref('fct_sales_line') }} as sales
    cross join workspace
    where sales.is_counted and sales.sold_on >= workspace.today_on - 56 and sales.sold_on < workspace.today_on
    group by sales.location_id, sales.sku
),

final as (
    select
        stock.location_id,
        stock.sku,
        case locations.kind
            when 'store' then store_sales.daily_units
            when 'dc' then forecast.daily_units
        end as daily_units
    from stock
    left join locations on stock.location_id = locations.location_id
    left join store_sales on stock.location_id = store_sales.location_id and stock.sku = store_sales.sku
    left join forecast on stock.sku = forecast.sku
)

select * from final
