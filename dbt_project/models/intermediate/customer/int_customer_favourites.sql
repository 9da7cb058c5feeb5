-- One row per customer: the channel and category with the highest net sales, and the hour of most orders.
with

lines as (
    select * from {{ ref('int_customer_lines') }}
    where is_revenue
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

hours as (
    select
        customer_id,
        ordered_hour,
        count(*) as orders
    from {{ ref('int_customer_orders') }}
    group by customer_id, ordered_hour
),

favourite_channels as (
    select * from channels
    qualify row_number() over (partition by customer_id order by amount desc, channel_id asc) = 1
),

favourite_categories as (
    select * from categories
    qualify row_number() over (partition by customer_id order by amount desc, category asc) = 1
),

favourite_hours as (
    select * from hours
    qualify row_number() over (partition by customer_id order by orders desc, ordered_hour asc) = 1
),

final as (
    select
        favourite_channels.customer_id,
        favourite_channels.channel_id as favourite_channel_id,
        favourite_categories.category as favourite_category,
        favourite_hours.ordered_hour as favourite_hour
    from favourite_channels
    inner join favourite_categories on favourite_channels.customer_id = favourite_categories.customer_id
    left join favourite_hours on favourite_channels.customer_id = favourite_hours.customer_id
)

select * from final
