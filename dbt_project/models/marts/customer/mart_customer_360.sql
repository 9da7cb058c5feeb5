{{ config(tags=['pass_c']) }}

-- One row per customer who bought: recency, frequency and value, what is expected of them, where and what they
-- buy, when they were last written to, and how they speak of us.
with

customers as (
    select * from {{ ref('dim_customer') }}
),

scores as (
    select * from {{ ref('int_customer_scores') }}
),

favourites as (
    select * from {{ ref('int_customer_favourites') }}
),

-- The latest profile of each; where nothing could be learnt (too few who came back), what is expected is unknown.
profiles as (
    select * from {{ ref('stg_customers__profiles') }}
    qualify row_number() over (partition by customer_id order by as_of desc, _row desc) = 1
),

workspace as (
    select * from {{ ref('int_workspace') }}
),

active as (
    select distinct orders.customer_id
    from {{ ref('int_customer_orders') }} as orders
    cross join workspace
    where not orders.is_given_back and orders.ordered_on > workspace.today_on - 365
),

touches as (
    select * from {{ ref('int_customer_touches') }}
),

voices as (
    select * from {{ ref('int_customer_voice') }}
),

media as (
    select
        customer_id,
        {{ joined('medium', ',') }} as media
    from {{ ref('bridge_customer_consent') }}
    where purpose = 'marketing' and is_granted
    group by customer_id
),

final as (
    select
        scores.customer_id,
        scores.first_order_on,
        scores.last_order_on,
        scores.recency_days,
        scores.frequency,
        scores.monetary_amount,
        scores.recency_score,
        scores.frequency_score,
        scores.monetary_score,
        scores.segment,
        cast(date_trunc('month', scores.first_order_on) as date) as cohort_on,
        profiles.alive_rate,
        profiles.expected_orders,
        profiles.expected_orders_low,
        profiles.expected_orders_high,
        profiles.expected_value_amount,
        profiles.expected_value_low_amount,
        profiles.expected_value_high_amount,
        profiles.quiet_after_days,
        coalesce(profiles.is_churn_alarm, false) as is_churn_alarm,
        profiles.next_category,
        profiles.next_category_rate,
        favourites.favourite_channel_id,
        favourites.favourite_category,
        favourites.favourite_hour,
        customers.channels,
        customers.is_member,
        customers.is_member and active.customer_id is not null as is_active_member,
        customers.tier,
        customers.gender,
        customers.city,
        coalesce(media.media, '') as marketing_media,
        touches.last_touched_on,
        touches.last_touch_campaign_id,
        touches.last_touch_medium,
        touches.last_answered_on,
        coalesce(voices.posts, 0) as posts,
        voices.sentiment_score,
        voices.last_posted_on,
        coalesce(profiles.tags, '[]') as tags
    from scores
    inner join customers on scores.customer_id = customers.customer_id
    inner join favourites on scores.customer_id = favourites.customer_id
    left join active on scores.customer_id = active.customer_id
    left join profiles on scores.customer_id = profiles.customer_id
    left join media on scores.customer_id = media.customer_id
    left join touches on scores.customer_id = touches.customer_id
    left join voices on scores.customer_id = voices.customer_id
)

select * from final
