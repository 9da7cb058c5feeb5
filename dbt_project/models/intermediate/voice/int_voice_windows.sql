-- One row per scope, theme and day with a complaint, where the seven days up to it hold at least three: complaints and
-- posts of these days and of the twelve weeks before them.
with

counts as (
    select * from {{ ref('int_voice_scopes') }}
),

posts as (
    select * from counts
    where theme = '*'
),

complaints as (
    select * from counts
    where theme <> '*'
),

begun as (
    select min(posted_on) as first_on from posts
),

-- Complaints of the window and of the time before it.
held as (
    select
        asked.scope_kind,
        asked.scope,
        asked.theme,
        asked.posted_on as alarm_on,
        sum(case when earlier.posted_on > asked.posted_on - 7 then earlier.posts else 0 end) as complaints,
        sum(case when earlier.posted_on <= asked.posted_on - 7 then earlier.posts else 0 end) as past_complaints
    from complaints as asked
    inner join complaints as earlier
        on
            asked.scope_kind = earlier.scope_kind
            and asked.scope = earlier.scope
            and asked.theme = earlier.theme
            and earlier.posted_on between asked.posted_on - 90 and asked.posted_on
    group by asked.scope_kind, asked.scope, asked.theme, asked.posted_on
),

final as (
    select
        held.scope_kind,
        held.scope,
        held.theme,
        held.alarm_on,
        held.complaints,
        held.past_complaints,
        sum(case when posts.posted_on > held.alarm_on - 7 then posts.posts else 0 end) as posts,
        sum(case when posts.posted_on <= held.alarm_on - 7 then posts.posts else 0 end) as past_posts
    from held
    cross join begun
    inner join posts
        on
            held.scope_kind = posts.scope_kind
            and held.scope = posts.scope
            and posts.posted_on between held.alarm_on - 90 and held.alarm_on
    where held.complaints >= 3 and held.alarm_on >= begun.first_on + 35
    group by all
)

select * from final
