-- One row per line of goods that somebody ordered from us and we owe: web lines that count, less what was refunded before
-- it was sent, and lines of a trade account's order. By when it had to be sent, and to be received.
with

web_lines as (
    select * from {{ ref('fct_sales_line') }}
    where is_counted and is_demand and shop_id <> '-' and units > 0
),

refunds as (
    select * from {{ ref('stg_ecommerce__refunds') }}
    where kind = 'before_shipment' and lower(coalesce(status, '')) = 'completed'
),

parts as (
    select * from {{ ref('int_bundle_parts') }}
),

-- A refund that names no line, or no units of it, is of all that was ordered; one of a bundle's line is of what is in it.
refunded as (
    select
        lines._source,
        lines.shop_id,
        lines.sale_id,
        lines.line_no,
        cast(sum(
            case
                when refunds.line_no is null or refunds.units is null then cast(lines.units as double)
                when refunds.line_no = lines.line_no then cast(refunds.units as double)
                else cast(refunds.units as double) * parts.units_per_bundle
            end
        ) as decimal(18, 3)) as units
    from web_lines as lines
    left join parts
        on
            lines._source = parts._source and lines.shop_id = parts.shop_id and lines.sale_id = parts.order_id
            and lines.line_no = parts.line_no
    inner join refunds
        on
            lines._source = refunds._source and lines.shop_id = refunds.shop_id and lines.sale_id = refunds.order_id
            and coalesce(refunds.line_no, lines.line_no) in (lines.line_no, parts.bundle_line_no)
    group by lines._source, lines.shop_id, lines.sale_id, lines.line_no
),

trade_lines as (
    select * from {{ ref('stg_erp__sales_orders') }}
    where lower(coalesce(status, '')) not in ('cancelled', 'canceled')
),

requests as (
    select * from {{ ref('int_order_requests') }}
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
        cast(lines.units - coalesce(refunded.units, 0) as decimal(18, 3)) as ordered_units,
        lines.sold_on + {{ var('web_ship_days') }} as ship_by_on,
        lines.sold_on + {{ var('web_receive_days') }} as requested_on
    from web_lines as lines
    left join refunded
        on
            lines._source = refunded._source and lines.shop_id = refunded.shop_id and lines.sale_id = refunded.sale_id
            and lines.line_no = refunded.line_no
    where lines.units > coalesce(refunded.units, 0)
    union all
    select
        'trade' as order_kind,
        lines._source,
        coalesce(lines.trade_account_id, '-') as account_id,
        lines.so_id as order_id,
        cast(lines.line_no as bigint) as line_no,
        coalesce(lines.channel_id, '-') as channel_id,
        lines.sku,
        lines.ordered_units,
        -- Goods go by what the customer says today; whether they were in time hangs on what was asked for first.
        coalesce(lines.requested_on, lines.promised_on) as ship_by_on,
        requests.first_asked_on as requested_on
    from trade_lines as lines
    left join requests
        on lines._source = requests._source and lines.so_id = requests.so_id and lines.line_no = requests.line_no
    where lines.ordered_units > 0
)

select * from final
