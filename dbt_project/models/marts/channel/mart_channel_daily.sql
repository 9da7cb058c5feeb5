{{ config(tags=['pass_b']) }}{{ restates('int_channel_restated_days') }}
{%- set grain = ['channel_id', 'shop_id', 'location_id', 'region', 'sku', 'sold_on'] -%}
{%- set sold = [
    'gross_sales_amount', 'discount_amount', 'borne_by_others_amount', 'refund_amount', 'tax_amount', 'net_sales_amount'
] -%}

-- One row per channel, shop, place, region, SKU and day: sales to shoppers from list price to contribution margin 3.
with

lines as (
    select * from {{ ref('fct_sales_line') }}
    where (is_counted or is_deal) and is_revenue and sales_view = 'sell_out' and {{ is_restated('sold_on', 'int_channel_restated_days') }}
),

costs as (
    select * from {{ ref('int_channel_costs') }}
    where {{ is_restated('sold_on', 'int_channel_restated_days') }}
),

-- A till's costs are shares of what it sold; a web order brings its own.
rates as (
    select * from {{ ref('int_cost_rates') }}
    where shop_id = '-'
),

products as (
    select * from {{ ref('dim_product') }}
    where is_current
),

sales as (
    select
        {{ grain | join(', ') }},
        -- Sums of decimals are 38 digits wide, and everything reckoned with them is slow until they are narrow again.
        count(*) filter (where is_first_of_sku) as orders,
        -- A bundle and its components are the same goods.
        cast(coalesce(sum(units) filter (where is_counted and line_kind <> 'component'), 0) as decimal(18, 3)) as units,
        cast(coalesce(sum(net_sales_with_tax_amount) filter (where is_deal), 0) as decimal(18, 4)) as gmv_amount,
        {%- for column in sold + ['cost_amount'] %}
        cast(sum({{ column }}) filter (where is_counted) as decimal(18, 4)) as {{ column }},
        {%- endfor %}
        -- Shares are of what was sold: a refund gives back neither a lorry nor a commission.
        cast(coalesce(sum(net_sales_amount) filter (where is_counted and line_kind <> 'refund'), 0) as decimal(18, 4)) as sold_amount,
        bool_or(is_counted) as is_sold
    from lines
    group by {{ grain | join(', ') }}
),

rated as (
    select
        {%- for step in cost_steps() %}
        {{ rounded_product('sales.sold_amount', 'rates.' ~ step ~ '_rate', 0, 6) }} as {{ step }}_amount,
        {%- endfor %}
        sales.*
    from sales
    left join products on sales.sku = products.sku
    left join rates
        on
            sales.channel_id = rates.channel_id
            and sales.shop_id = rates.shop_id
            and coalesce(products.category, '-') = rates.category
            and sales.sold_on >= rates.valid_from and sales.sold_on < rates.valid_to
),

-- A campaign may cost on a day on which nothing was sold.
joined as (
    select
        {%- for column in grain %}
        coalesce(rated.{{ column }}, costs.{{ column }}) as {{ column }},
        {%- endfor %}
        coalesce(rated.orders, 0) as orders,
        cast(coalesce(rated.units, 0) as decimal(18, 3)) as units,
        {%- for column in ['gmv_amount'] + sold %}
        cast(coalesce(rated.{{ column }}, 0) as decimal(18, 4)) as {{ column }},
        {%- endfor %}
        {%- for step in cost_steps() %}
        cast(coalesce(rated.{{ step }}_amount, 0) + coalesce(costs.{{ step }}_amount, 0) as decimal(18, 4)) as {{ step }}_amount,
        {%- endfor %}
        cast(coalesce(costs.estimated_amount, 0) as decimal(18, 4)) as estimated_amount,
        cast(coalesce(costs.settled_amount, 0) as decimal(18, 4)) as settled_sales_amount,
        -- Unknown where the SKU's cost is; nothing where nothing was sold.
        cast(case when rated.is_sold then rated.cost_amount else 0 end as decimal(18, 4)) as cost_amount
    from rated
    full outer join costs
        on
            rated.channel_id = costs.channel_id
            and rated.shop_id = costs.shop_id
            and rated.location_id = costs.location_id
            and rated.region = costs.region
            and rated.sku = costs.sku
            and rated.sold_on = costs.sold_on
),

final as (
    select
        joined.*,
        products.category,
        cast(joined.net_sales_amount - joined.cost_amount as decimal(18, 4)) as contribution_margin_1_amount,
        cast(
            joined.net_sales_amount - joined.cost_amount - joined.fulfilment_amount - joined.platform_fee_amount as decimal(18, 4)
        ) as contribution_margin_2_amount,
        cast(
            joined.net_sales_amount - joined.cost_amount - joined.fulfilment_amount - joined.platform_fee_amount
            - joined.ads_amount - joined.influencer_amount - joined.trade_spend_amount - joined.write_off_amount
            as decimal(18, 4)
        ) as contribution_margin_3_amount
    from joined
    left join products on joined.sku = products.sku
)

select * from final
