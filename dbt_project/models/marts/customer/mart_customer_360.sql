{{ config(tags=['pass_b']) }}

-- One row per customer who bought: recency, frequency and value, scored in fifths, and where and what they buy.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

customers as (
    select * from {{ ref('dim_customer') }}
),

products as (
    select * from {{ ref('dim_product') }}
    where is_current
),

lines as (
    select
        identifiers.customer_id,
        sales._source || ':' || sales.sale_id as order_key,
        sales.line_kind,
        sales.channel_id,
        products.category,
        sales.sold_on,
        sales.net_sales_amount
    from {{ ref('fct_sales_line') }} as sales
    inner join {{ ref('bridge_customer_identifier') }} as identifiers on sales.record_token = identifiers.record_token
    inner join products on sales.sku = products.sku
    where sales.is_counted
),

-- Refunds lower the value of what was bought; they are no orders.
bought as (
    select
        customer_id,
        min(sold_on) filter (where line_kind <> 'refund') as first_order_on,
        max(sold_on) filter (where line_kind <> 'refund') as last_order_on,
        count(distinct order_key) filter (where line_kind <> 'refund') as frequency,
        cast(sum(net_sales_amount) as decimal(18, 4)) as monetary_amount
    from lines
    group by customer_id
),

channels as (
    select
        customer_id,
        channel_id,
        sum(net_sales_amount) as amount
    from lines
    group by customer_id, channel_id
),

categories as (
    select
        customer_id,
        category,
        sum(net_sales_amount) as amount
    from lines
    group by customer_id, category
),

favourite_channels as (
    select * from channels
    qualify row_number() over (partition by customer_id order by amount desc, channel_id asc) = 1
),

favourite_categories as (
    select * from categories
    qualify row_number() over (partition by customer_id order by amount desc, category asc) = 1
),

-- Equal values get equal scores, so no order of rows decides anybody's fifth.
scored as (
    select
        bought.*,
        cast(workspace.today_on - bought.last_order_on as integer) as recency_days,
        {{ fifth_of('bought.last_order_on') }} as recency_score,
        {{ fifth_of('bought.frequency') }} as frequency_score,
        {{ fifth_of('bought.monetary_amount') }} as monetary_score
    from bought
    cross join workspace
    where bought.frequency > 0
),

final as (
    select
        scored.customer_id,
        scored.first_order_on,
        scored.last_order_on,
        scored.recency_days,
        scored.frequency,
        scored.monetary_amount,
        scored.recency_score,
        scored.frequency_score,
        scored.monetary_score,
        {{ rfm_segment('scored.recency_score', 'scored.frequency_score', 'scored.monetary_score', 'scored.frequency') }} as segment,
        favourite_channels.channel_id as favourite_channel_id,
        favourite_categories.category as favourite_category,
        customers.is_member,
        customers.tier,
        customers.gender,
        customers.city
    from scored
    inner join customers on scored.customer_id = customers.customer_id
    inner join favourite_channels on scored.customer_id = favourite_channels.customer_id
    inner join favourite_categories on scored.customer_id = favourite_categories.customer_id
)

select * from final
