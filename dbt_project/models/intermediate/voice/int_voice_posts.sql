-- One row per post as it was read last, on the brand's business date, with the category of the product it speaks of.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

products as (
    select * from {{ ref('dim_product') }}
    where is_current
),

-- One post may come by two sources: the one that told it last is believed.
posts as (
    select * from {{ ref('stg_social__posts') }}
    qualify row_number() over (partition by platform, post_id order by observed_at desc, _source asc) = 1
),

readings as (
    select * from {{ ref('stg_social__sentiment') }}
    qualify row_number() over (partition by platform, post_id order by observed_at desc, model_version asc) = 1
),

final as (
    select
        posts.platform,
        posts.post_id,
        posts.posted_at,
        {{ business_date('posts.posted_at', 'workspace.timezone', 'workspace.day_starts_minutes') }} as posted_on,
        posts.kind,
        readings.sku,
        case when readings.sku = '-' then '-' else coalesce(products.category, 'unknown') end as category,
        readings.language,
        readings.score,
        readings.label,
        readings.themes,
        -- Everybody who did something with it, and the author.
        cast(1 + coalesce(posts.likes, 0) + coalesce(posts.shares, 0) + coalesce(posts.replies, 0) as bigint) as reach,
        posts.text
    from posts
    inner join readings on posts.platform = readings.platform and posts.post_id = readings.post_id
    left join products on readings.sku = products.sku
    cross join workspace
)

select * from final
