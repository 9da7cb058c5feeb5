-- One row per line of goods that somebody ordered from us and we owe: web lines that count, but for those refunded before
-- they were sent, and lines of a trade account's order. By when it had to be sent, and to be received.
with

web_lines as (
    select * from {{ ref('fct_sales_line') }}
    where is_counted and is_demand and shop_id <> '-' and units > 0
),

refunds as (
    select * from {{ ref('stg_ecommerce__refunds') }}
    where kind = 'before_shipment' and lower(coalesce(status, '')) = 'completed'
),

trade_lines as (
    select * from {{ ref('stg_erp__sales_orders') }}
    where lower(coalesce(status, '')) not in ('cancelled', 'canceled')
),

final as (
    select
        'web' as order_kind,
        lines._source,
        lines.shop_id as account_id,
        lines.sale_id as order_id,
        cast(lines.line_no as bigint) as line_no,
        lines.channel_id,
        lines.sku,
        lines.units as ordered_units,
        lines.sold_on + {{ var('web_ship_days') }} as ship_by_on,
        lines.sold_on + {{ var('web_receive_days') }} as requested_on
    from web_lines as lines
    anti join refunds
        on
            lines._source = refunds._source and lines.shop_id = refunds.shop_id and lines.sale_id = refunds.order_id
            and coalesce(refunds.line_no, lines.line_no) = lines.line_no
    union all
    select
        'trade' as order_kind,
        _source,
        coalesce(trade_account_id, '-') as account_id,
        so_id as order_id,
        cast(line_no as bigint) as line_no,
        coalesce(channel_id, '-') as channel_id,
        sku,
        ordered_units,
        coalesce(requested_on, promised_on) as ship_by_on,
        coalesce(requested_on, promised_on) as requested_on
    from trade_lines
    where ordered_units > 0
)

select * from final
