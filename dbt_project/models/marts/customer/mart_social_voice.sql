{{ config(tags=['pass_c']) }}

-- One row per SKU and day with posts about it; `-` is what no product could be told of.
with

posts as (
    select * from {{ ref('int_voice_posts') }}
),

themes as (
    select * from {{ ref('int_voice_themes') }}
),

alarms as (
    select * from {{ ref('mart_voice_alarm') }}
    where is_alarm
),

days as (
    select
        sku,
        posted_on as said_on,
        category,
        count(*) as posts,
        sum(reach) as reach,
        sum(case when label = 'good' then 1 else 0 end) as good_posts,
        sum(case when label = 'neutral' then 1 else 0 end) as neutral_posts,
        sum(case when label = 'bad' then 1 else 0 end) as bad_posts,
        sum(case when label = 'unknown' then 1 else 0 end) as unread_posts,
        -- Sums of decimals are the same in any order.
        cast(sum(cast(score as decimal(18, 4))) as double) / count(score) as sentiment
    from posts
    group by sku, posted_on, category
),

touched as (
    select distinct
        sku,
        posted_on,
        theme
    from themes
),

named as (
    select
        sku,
        posted_on,
        {{ joined('theme', ',') }} as themes
    from touched
    group by sku, posted_on
),

-- A SKU is in alarm by itself, or with its category.
alarmed as (
    select distinct
        days.sku,
        days.said_on,
        alarms.theme
    from days
    inner join alarms
        on
            days.said_on = alarms.alarm_on
            and (
                (alarms.scope_kind = 'sku' and days.sku = alarms.scope)
                or (alarms.scope_kind = 'category' and days.category = alarms.scope)
            )
),

alarm_names as (
    select
        sku,
        said_on,
        {{ joined('theme', ',') }} as alarm_themes
    from alarmed
    group by sku, said_on
),

final as (
    select
        days.sku,
        days.said_on,
        days.category,
        cast(days.posts as bigint) as posts,
        cast(days.reach as bigint) as reach,
        cast(days.good_posts as bigint) as good_posts,
        cast(days.neutral_posts as bigint) as neutral_posts,
        cast(days.bad_posts as bigint) as bad_posts,
        cast(days.unread_posts as bigint) as unread_posts,
        cast(days.sentiment as double) as sentiment,
        coalesce(named.themes, '') as themes,
        coalesce(alarm_names.alarm_themes, '') as alarm_themes,
        alarm_names.alarm_themes is not null as is_alarm
    from days
    left join named on days.sku = named.sku and days.said_on = named.posted_on
    left join alarm_names on days.sku = alarm_names.sku and days.said_on = alarm_names.said_on
)

select * from final
