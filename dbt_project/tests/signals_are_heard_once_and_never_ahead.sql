-- Every post of a complete week is in the signals once, and no signal is of a week that is not over.
with

signals as (
    select * from {{ ref('int_demand_signal') }}
),

workspace as (
    select * from {{ ref('int_workspace') }}
),

told as (
    select count(distinct posts.platform || ' ' || posts.post_id) as posts
    from {{ ref('stg_social__posts') }} as posts
    cross join workspace
    where
        {{ week_of(business_date('posts.posted_at', 'workspace.timezone', 'workspace.day_starts_minutes')) }}
        <= workspace.last_week_on
),

counted as (
    select
        coalesce(sum(case when signals.name = 'social_posts' then signals.figure else 0 end), 0) as posts,
        coalesce(sum(case when signals.week_on > workspace.last_week_on then 1 else 0 end), 0) as ahead
    from signals
    cross join workspace
)

select
    told.posts,
    counted.posts as counted_posts,
    counted.ahead
from told
cross join counted
where told.posts <> counted.posts or counted.ahead > 0
