-- One row per counted line of a web order: what selling it costs below cost of goods, by step. An order's bill and its
-- parcels stand in for the rates once they are there, shared out over its lines by net sales, to four digits.
with

lines as (
    select * from {{ ref('fct_sales_line') }}
    where is_counted and is_revenue and sales_view = 'sell_out' and shop_id <> '-' and line_kind <> 'refund'
),

categories as (
    select
        sku,
        category
    from {{ ref('dim_product') }}
    where is_current
),

orders as (
    select * from {{ ref('int_web_orders') }}
),

rates as (
    select * from {{ ref('int_cost_rates') }}
),

actuals as (
    select * from {{ ref('int_order_actuals') }}
),

weighed as (
    select
        lines.sales_line_id,
        lines._source || ':' || lines.shop_id || ':' || lines.sale_id as whole_order,
        lines._source,
        lines.shop_id,
        lines.sale_id as order_id,
        lines.channel_id,
        lines.location_id,
        lines.region,
        lines.sku,
        coalesce(categories.category, '-') as category,
        lines.sold_on,
        lines.net_sales_amount,
        row_number() over sale = 1 as is_first,
        -- An order that brought nothing is shared out evenly.
        {{ to_decimal(
            'coalesce(
                cast(greatest(lines.net_sales_amount, 0) as double) / nullif(sum(greatest(lines.net_sales_amount, 0)) over sale_lines, 0),
                cast(1 as double) / count(*) over sale_lines
            )', 12
        ) }} as weight
    from lines
    left join categories on lines.sku = categories.sku
    window
        sale_lines as (partition by lines._source, lines.shop_id, lines.sale_id),
        sale as (partition by lines._source, lines.shop_id, lines.sale_id order by lines.net_sales_amount desc, lines.line_no asc)
),

expected as (
    select
        weighed.*,
        {%- for step in ['shipping', 'platform_fee', 'influencer', 'trade_spend'] %}
        {{ share_of('actuals.' ~ step ~ '_amount', 'weighed.weight', 'weighed.whole_order', 'weighed.is_first') }} as actual_{{ step }}_amount,
        {%- endfor %}
        {%- for step in ['shipping'] + cost_steps() %}
        {%- set shares = product('weighed.net_sales_amount', 'rates.' ~ step ~ '_rate') %}
        {%- set per_order = product('rates.' ~ step ~ '_per_order', 'weighed.weight') %}
        cast(coalesce({{ shares }} + {{ per_order }}, 0) as decimal(18, 4)) as expected_{{ step }}_amount,
        {%- endfor %}
        coalesce(orders.is_brought_by_influencer, false) as is_brought,
        actuals.settled_at is not null as is_settled,
        actuals.shipping_amount is not null as is_shipped
    from weighed
    left join rates
        on
            weighed.channel_id = rates.channel_id
            and weighed.shop_id = rates.shop_id
            and weighed.category = rates.category
            and weighed.sold_on >= rates.valid_from and weighed.sold_on < rates.valid_to
    left join orders
        on weighed._source = orders._source and weighed.shop_id = orders.shop_id and weighed.order_id = orders.order_id
    left join actuals
        on weighed._source = actuals._source and weighed.shop_id = actuals.shop_id and weighed.order_id = actuals.order_id
),

final as (
    select
        sales_line_id,
        _source,
        shop_id,
        order_id,
        channel_id,
        location_id,
        region,
        sku,
        sold_on,
        is_settled,
        net_sales_amount,
        expected_platform_fee_amount,
        actual_shipping_amount as freight_amount,
        case when is_settled then net_sales_amount else 0 end as settled_amount,
        expected_fulfilment_amount + case when is_shipped then actual_shipping_amount else expected_shipping_amount end
            as fulfilment_amount,
        case when is_settled then actual_platform_fee_amount else expected_platform_fee_amount end as platform_fee_amount,
        expected_ads_amount as ads_amount,
        -- A bill that names no influencer leaves what was agreed with them; so with trade spend.
        case
            when is_settled and actual_influencer_amount <> 0 then actual_influencer_amount
            when is_brought then expected_influencer_amount
            else 0
        end as influencer_amount,
        case when is_settled then actual_trade_spend_amount else 0 end + expected_trade_spend_amount as trade_spend_amount,
        expected_write_off_amount as write_off_amount,
        case when is_settled then 0 else expected_platform_fee_amount end
        + case when is_shipped then 0 else expected_shipping_amount end as estimated_amount
    from expected
)

select * from final
