-- One row per completed refund and order line, in the shape of fct_sales_line but before conversion, on its own date.
with

allocated as (
    select
        *,
        {{ tax_of('line_amount', 'tax_rate', 'true') }} as tax_inside_amount
    from {{ ref('int_refunds_allocated') }}
),

sold as (
    select * from {{ ref('int_web_lines') }}
),

orders as (
    select * from {{ ref('int_web_orders') }}
),

final as (
    select
        allocated._source || ':' || allocated.shop_id || ':refund:' || allocated.refund_id || ':' || allocated.line_no as sales_line_id,
        allocated._source,
        allocated.order_id as sale_id,
        allocated.line_no,
        'refund' as line_kind,
        sold.channel_id,
        allocated.shop_id,
        '-' as location_id,
        sold.region,
        sold.sku,
        allocated.refunded_at as sold_at,
        {{ business_date('allocated.refunded_at', 'orders.timezone', 'orders.day_starts_minutes') }} as sold_on,
        orders.ordered_on,
        -- A bundle and its components are the same goods, and come back once.
        cast(case when sold.line_kind = 'component' then 0 else -allocated.returned_units end as decimal(18, 3)) as units,
        -allocated.tax_inside_amount as tax_amount,
        -allocated.line_amount as stated_amount,
        allocated.tax_inside_amount - allocated.line_amount as net_amount,
        cast(0 as decimal(18, 4)) as gross_amount,
        allocated.line_amount as refund_amount,
        cast(0 as decimal(18, 4)) as borne_by_others_amount,
        allocated.currency,
        sold.promotion_id,
        sold.record_token,
        sold.platform_order_id,
        false as is_demand,
        false as is_sold_elsewhere,
        sold.is_suspect,
        sold.is_revenue,
        case when allocated.borne_by <> 'brand' then 'borne by others' else sold.not_counted_because end as not_counted_because
    from allocated
    inner join sold
        on
            allocated._source = sold._source
            and allocated.shop_id = sold.shop_id
            and allocated.order_id = sold.sale_id
            and allocated.line_no = sold.line_no
    inner join orders
        on
            allocated._source = orders._source
            and allocated.shop_id = orders.shop_id
            and allocated.order_id = orders.order_id
)

select * from final
