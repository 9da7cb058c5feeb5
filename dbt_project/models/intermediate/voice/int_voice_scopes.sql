-- One row per scope, theme and day: how many posts there were, and how many of them complain of the theme. Scopes are the
-- brand as a whole, each category and each SKU; the theme `*` counts every post.
with

posts as (
    select * from {{ ref('int_voice_posts') }}
),

complaints as (
    select * from {{ ref('int_voice_themes') }}
    where label = 'bad'
),

counted as (
    select
        '*' as theme,
        posted_on,
        sku,
        category,
        count(*) as posts
    from posts
    group by posted_on, sku, category
    union all
    select
        theme,
        posted_on,
        sku,
        category,
        count(*) as posts
    from complaints
    group by theme, posted_on, sku, category
),

scoped as (
    select
        'brand' as scope_kind,
        '*' as scope,
        theme,
        posted_on,
        posts
    from counted
    union all
    select
        'category' as scope_kind,
        category as scope,
        theme,
        posted_on,
        posts
    from counted
    where category <> '-'
    union all
    select
        'sku' as scope_kind,
        sku as scope,
        theme,
        posted_on,
        posts
    from counted
    where sku <> '-'
),

final as (
    select
        scope_kind,
        scope,
        theme,
        posted_on,
        cast(sum(posts) as bigint) as posts
    from scoped
    group by scope_kind, scope, theme, posted_on
)

select * from final
