-- One row per SKU, channel, complete week and thing that is heard beside demand, where it is not zero; `*` where it is of no
-- one SKU or of all channels. Past weeks alone: whatever looks at a week's figure stands after that week.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

products as (
    select sku from {{ ref('dim_product') }}
    where is_current
),

shops as (
    select * from {{ ref('shops') }}
),

visits as (
    select * from {{ ref('stg_ecommerce__traffic') }}
),

-- All that a listing sells is looked at by its visitors.
listed as (
    select distinct
        listings.shop_id,
        listings.listing_id,
        listings.sku
    from {{ ref('stg_ecommerce__listings') }} as listings
    inner join products on listings.sku = products.sku
),

-- A platform that tells visitors by source and in all has its own sum.
visited as (
    select
        visits.shop_id,
        visits.listing_id,
        visits.{{ named('on') }} as heard_on,
        coalesce(
            max(case when visits.source = '*' then visits.visitors end),
            sum(visits.visitors)
        ) as figure
    from visits
    group by visits.shop_id, visits.listing_id, visits.{{ named('on') }}
),

-- One post may come by two sources.
posts as (
    select
        platform,
        post_id,
        max(sku_hint) as sku,
        min(posted_at) as posted_at
    from {{ ref('stg_social__posts') }}
    group by platform, post_id
),

heard as (
    select
        'web_visitors' as name,
        listed.sku,
        visited.shop_id,
        visited.heard_on,
        visited.figure
    from visited
    left join listed on visited.shop_id = listed.shop_id and visited.listing_id = listed.listing_id
    union all
    select
        'ad_impressions' as name,
        sku_scope as sku,
        shop_id,
        {{ named('on') }} as heard_on,
        impressions as figure
    from {{ ref('stg_ads__daily') }}
    union all
    -- Likes come later than their post, and the last weeks' would always look fewer: posts are counted, each once.
    select
        'social_posts' as name,
        posts.sku,
        cast(null as string) as shop_id,
        {{ business_date('posts.posted_at', 'workspace.timezone', 'workspace.day_starts_minutes') }} as heard_on,
        1 as figure
    from posts
    cross join workspace
    union all
    select
        'coupon_drops' as name,
        coupons.sku_scope as sku,
        coupons.shop_id,
        {{ business_date('coupons.issued_at', 'workspace.timezone', 'workspace.day_starts_minutes') }} as heard_on,
        1 as figure
    from {{ ref('stg_crm__coupons') }} as coupons
    cross join workspace
),

final as (
    select
        coalesce(products.sku, '*') as sku,
        coalesce(shops.channel_id, '*') as channel_id,
        {{ week_of('heard.heard_on') }} as week_on,
        heard.name,
        cast(sum(heard.figure) as bigint) as figure
    from heard
    cross join workspace
    left join products on heard.sku = products.sku
    left join shops on heard.shop_id = shops.shop_id
    where {{ week_of('heard.heard_on') }} <= workspace.last_week_on
    group by coalesce(products.sku, '*'), coalesce(shops.channel_id, '*'), {{ week_of('heard.heard_on') }}, heard.name
    having sum(heard.figure) > 0
)

select * from final
