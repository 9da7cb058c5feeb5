{{ config(materialized='view') }}
{%- set payers = ['platform', 'influencer', 'distributor', 'payment'] %}
{%- set payer_columns = [
    'borne_by_platform_amount', 'borne_by_influencer_amount', 'borne_by_distributor_amount', 'borne_by_payment_amount'
] %}
{%- set line_columns = [
    'sales_line_id', '_source', 'sale_id', 'line_no', 'line_kind', 'channel_id', 'shop_id', 'location_id', 'region', 'sku',
    'sold_at', 'sold_on', 'ordered_on', 'units', 'gross_amount', 'refund_amount', 'tax_amount', 'net_amount', 'currency',
    'stated_amount', 'promotion_id', 'record_token', 'platform_order_id', 'is_demand', 'is_sold_elsewhere', 'is_suspect',
    'not_counted_because'
] %}

-- Every row of fct_sales_line as it is to be: sold lines, returns and refunds over tills and web shops, each sale counted
-- once, and beside them, never among them, what passes to and through the trade; in the workspace's currency.
with

all_lines as (
    {{- stacked({
        ref('int_till_lines'): line_columns,
        ref('int_web_lines'): line_columns + ['is_revenue', 'is_paid'] + payer_columns,
        ref('int_refund_lines'): line_columns + ['is_revenue'],
        ref('int_trade_lines'): line_columns + ['is_revenue', 'sales_view', 'trade_account_id']
    }) }}
),

rates as (
    select * from {{ ref('int_currency_days') }}
),

products as (
    select * from {{ ref('dim_product') }}
    where is_current
),

priced as (
    select
        all_lines.*,
        {{ converted('all_lines.gross_amount', 'rates.rate') }} as gross_sales_amount,
        {{ converted('all_lines.refund_amount', 'rates.rate') }} as refund_sales_amount,
        {{ converted('all_lines.tax_amount', 'rates.rate') }} as tax_sales_amount,
        {{ converted('all_lines.net_amount', 'rates.rate') }} as net_sales_amount,
        {%- for payer in payers %}
        {{ converted('coalesce(all_lines.borne_by_' ~ payer ~ '_amount, 0)', 'rates.rate') }} as {{ payer }}_sales_amount,
        {%- endfor %}
        -- A bundle costs what is in it, once.
        case
            when all_lines.is_sold_elsewhere then cast(0 as decimal(18, 4))
            else {{ rounded_product('all_lines.units', 'products.standard_cost_amount', 5, 4) }}
        end as cost_amount,
        case when rates.rate is null then 'no exchange rate' else all_lines.not_counted_because end as reason
    from all_lines
    left join rates on all_lines.currency = rates.currency and all_lines.sold_on = rates.rated_on
    left join products on all_lines.sku = products.sku
),

final as (
    select
        sales_line_id,
        coalesce(sales_view, 'sell_out') as sales_view,
        coalesce(is_revenue, true) as is_revenue,
        reason is null as is_counted,
        -- What was paid for is a deal, also where the order was cancelled since.
        coalesce(sales_view, 'sell_out') = 'sell_out' and line_kind not in ('refund', 'return')
        and (reason is null or (reason = 'cancelled' and coalesce(is_paid, false))) as is_deal,
        reason as not_counted_because,
        is_suspect,
        is_demand,
        _source,
        sale_id,
        line_no,
        line_kind,
        channel_id,
        shop_id,
        location_id,
        coalesce(trade_account_id, '-') as trade_account_id,
        region,
        sku,
        sold_at,
        sold_on,
        ordered_on,
        units,
        gross_sales_amount,
        -- What was charged and what others paid of the price is the truth; the brand's discount is what lies between
        -- it and gross.
        cast(gross_sales_amount - refund_sales_amount - tax_sales_amount - net_sales_amount as decimal(18, 4)) as discount_amount,
        {%- for payer in payers %}
        {{ payer }}_sales_amount as borne_by_{{ payer }}_amount,
        {%- endfor %}
        cast(
            platform_sales_amount + influencer_sales_amount + distributor_sales_amount + payment_sales_amount as decimal(18, 4)
        ) as borne_by_others_amount,
        refund_sales_amount as refund_amount,
        tax_sales_amount as tax_amount,
        net_sales_amount,
        cast(net_sales_amount + tax_sales_amount as decimal(18, 4)) as net_sales_with_tax_amount,
        cost_amount,
        currency,
        stated_amount,
        promotion_id,
        record_token,
        platform_order_id
    from priced
)

select * from final
