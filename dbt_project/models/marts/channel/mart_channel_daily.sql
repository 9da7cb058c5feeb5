{{ config(tags=['pass_b']) }}
{%- set grain = ['channel_id', 'shop_id', 'location_id', 'region', 'sku', 'sold_on'] -%}
{%- set sold = [
    'gross_sales_amount', 'discount_amount', 'borne_by_others_amount', 'refund_amount', 'tax_amount', 'net_sales_amount'
] -%}

-- One row per channel, shop, place, region, SKU and day: sales to shoppers from list price to contribution margin 3.
with

sales as (
    select * from {{ ref('int_channel_sales') }}
),

costs as (
    select * from {{ ref('int_channel_costs') }}
),

products as (
    select * from {{ ref('dim_product') }}
    where is_current
),

-- A campaign may cost on a day on which nothing was sold.
days as (
    select {{ grain | join(', ') }} from sales
    union
    select {{ grain | join(', ') }} from costs
),

joined as (
    select
        {%- for column in grain %}
        days.{{ column }},
        {%- endfor %}
        coalesce(sales.orders, 0) as orders,
        cast(coalesce(sales.units, 0) as decimal(18, 3)) as units,
        {%- for column in sold %}
        cast(coalesce(sales.{{ column }}, 0) as decimal(18, 4)) as {{ column }},
        {%- endfor %}
        {%- for step in cost_steps() + ['estimated', 'settled'] %}
        cast(coalesce(costs.{{ step }}_amount, 0) as decimal(18, 4)) as {{ step }}_amount,
        {%- endfor %}
        -- Unknown where the SKU's cost is; nothing where nothing was sold.
        cast(case when sales.sku is null then 0 else sales.cost_amount end as decimal(18, 4)) as cost_amount
    from days
    left join sales
        on
            days.channel_id = sales.channel_id
            and days.shop_id = sales.shop_id
            and days.location_id = sales.location_id
            and days.region = sales.region
            and days.sku = sales.sku
            and days.sold_on = sales.sold_on
    left join costs
        on
            days.channel_id = costs.channel_id
            and days.shop_id = costs.shop_id
            and days.location_id = costs.location_id
            and days.region = costs.region
            and days.sku = costs.sku
            and days.sold_on = costs.sold_on
),

final as (
    select
        joined.channel_id,
        joined.shop_id,
        joined.location_id,
        joined.region,
        joined.sku,
        products.category,
        joined.sold_on,
        joined.orders,
        joined.units,
        {%- for column in sold %}
        joined.{{ column }},
        {%- endfor %}
        joined.cost_amount,
        cast(joined.net_sales_amount - joined.cost_amount as decimal(18, 4)) as contribution_margin_1_amount,
        joined.fulfilment_amount,
        joined.platform_fee_amount,
        cast(
            joined.net_sales_amount - joined.cost_amount - joined.fulfilment_amount - joined.platform_fee_amount as decimal(18, 4)
        ) as contribution_margin_2_amount,
        joined.ads_amount,
        joined.influencer_amount,
        joined.trade_spend_amount,
        joined.write_off_amount,
        cast(
            joined.net_sales_amount - joined.cost_amount - joined.fulfilment_amount - joined.platform_fee_amount
            - joined.ads_amount - joined.influencer_amount - joined.trade_spend_amount - joined.write_off_amount
            as decimal(18, 4)
        ) as contribution_margin_3_amount,
        joined.estimated_amount,
        joined.settled_amount as settled_sales_amount
    from joined
    left join products on joined.sku = products.sku
)

select * from final
