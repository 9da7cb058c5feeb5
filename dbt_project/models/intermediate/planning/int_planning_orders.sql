-- One row per line of a web order that is paid but not yet served.
with

orders as (
    select * from {{ ref('stg_ecommerce__orders') }}
    where completed_at is null
),

lines as (
    select * from {{ ref('fct_sales_line') }}
    where is_counted and is_demand and shop_id <> '-' and units > 0
),

final as (
    select
        lines._source || ':' || lines.shop_id || ':' || lines.sale_id as order_id,
        cast(lines.line_no as string) as line_no,
        lines.sku,
        lines.channel_id,
        'PLANT' as location_id,
        cast(lines.units as double) as units,
        lines.sold_on as due_on,
        cast(1 as bigint) as priority
    from lines
    inner join orders
        on lines._source = orders._source and lines.shop_id = orders.shop_id and lines.sale_id = orders.order_id
)

select * from final
