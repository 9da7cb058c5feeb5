-- One row per line of a web order, in the shape of fct_sales_line but before conversion.
with

orders as (
    select * from {{ ref('int_web_orders') }}
),

lines as (
    select * from {{ ref('stg_ecommerce__order_lines') }}
),

bundles as (
    select distinct
        _source,
        shop_id,
        order_id,
        parent_line_no as line_no
    from lines
    where line_kind = 'component'
),

final as (
    select
        lines._source || ':' || lines.shop_id || ':' || lines.order_id || ':' || lines.line_no as sales_line_id,
        lines._source,
        lines.order_id as sale_id,
        lines.line_no,
        lines.line_kind,
        orders.channel_id,
        lines.shop_id,
        '-' as location_id,
        orders.region,
        lines.sku,
        orders.sold_at,
        orders.sold_on,
        lines.units,
        {{ tax_of('lines.paid_amount', 'lines.tax_rate', 'lines.is_tax_inclusive') }} as tax_amount,
        lines.paid_amount as stated_amount,
        lines.paid_amount - case when lines.is_tax_inclusive then tax_amount else 0 end as net_amount,
        coalesce(lines.list_amount, lines.paid_amount) + case when lines.is_tax_inclusive then 0 else tax_amount end as gross_amount,
        cast(0 as decimal(18, 4)) as refund_amount,
        lines.currency,
        lines.promotion_id,
        orders.record_token,
        coalesce(orders.platform_order_id, orders.order_id) as platform_order_id,
        -- The mill makes what is in a bundle, not the bundle.
        bundles.line_no is null as is_demand,
        orders.is_suspect,
        orders.is_revenue,
        orders.not_counted_because
    from lines
    inner join orders
        on
            lines._source = orders._source
            and lines.shop_id = orders.shop_id
            and lines.order_id = orders.order_id
    left join bundles
        on
            lines._source = bundles._source
            and lines.shop_id = bundles.shop_id
            and lines.order_id = bundles.order_id
            and lines.line_no = bundles.line_no
)

select * from final
