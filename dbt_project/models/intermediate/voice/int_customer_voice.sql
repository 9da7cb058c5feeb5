-- One row per customer whose posts are known: how many, and how they sound. An author is known where the system that tells
-- the post also tells the membership or the order: a code counts within its own system alone.
with

posts as (
    select * from {{ ref('stg_social__posts') }}
    where author_token is not null
),

orders as (
    select * from {{ ref('stg_ecommerce__orders') }}
),

people as (
    select * from {{ ref('bridge_customer_identifier') }}
),

readings as (
    select * from {{ ref('int_voice_posts') }}
    where score is not null
),

authors as (
    select
        platform,
        post_id,
        {{ record_token('_source', 'member', 'author_token') }} as record_token
    from posts
    union all
    select
        posts.platform,
        posts.post_id,
        {{ record_token('orders._source', 'order', "concat_ws('|', orders.shop_id, orders.order_id)") }} as record_token
    from posts
    inner join orders
        on posts._source = orders._source and posts.author_token in (orders.buyer_shop_uid_token, orders.buyer_brand_uid_token)
),

-- What two customers may have written is nobody's.
written as (
    select
        authors.platform,
        authors.post_id,
        min(people.customer_id) as customer_id
    from authors
    inner join people on authors.record_token = people.record_token
    group by authors.platform, authors.post_id
    having count(distinct people.customer_id) = 1
),

final as (
    select
        written.customer_id,
        count(*) as posts,
        cast(sum(cast(readings.score as decimal(18, 6))) as double) / count(*) as sentiment_score,
        max(readings.posted_on) as last_posted_on
    from written
    inner join readings on written.platform = readings.platform and written.post_id = readings.post_id
    group by written.customer_id
)

select * from final
