{{ config(tags=['pass_c']) }}

-- One row per scope, theme and day with a complaint, where the seven days up to it hold at least three: how many there
-- were, how many were to be expected from the twelve weeks before, and whether that is an alarm.
with

counts as (
    select * from {{ ref('int_voice_scopes') }}
),

posts as (
    select * from counts where theme = '*'
),

complaints as (
    select * from counts where theme <> '*'
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

followed as (
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
),

-- What is usual of the theme over everything the brand makes.
usual as (
    select
        followed.theme,
        followed.alarm_on,
        sum(case when counts.theme = followed.theme then counts.posts else 0 end) as complaints,
        sum(case when counts.theme = '*' then counts.posts else 0 end) as posts
    from (select distinct theme, alarm_on from followed) as followed
    inner join counts
        on
            counts.scope_kind = 'brand'
            and counts.theme in (followed.theme, '*')
            and counts.posted_on between followed.alarm_on - 90 and followed.alarm_on - 7
    group by followed.theme, followed.alarm_on
),

-- A scope's own past, as far as it goes, drawn towards what is usual: twenty posts of it weigh as much.
expected as (
    select
        followed.*,
        cast(
            followed.posts * (followed.past_complaints + 20.0 * (usual.complaints + 0.5) / (usual.posts + 1))
            / (followed.past_posts + 20.0) as double
        ) as expected_complaints
    from followed
    inner join usual on followed.theme = usual.theme and followed.alarm_on = usual.alarm_on
),

judged as (
    select
        *,
        cast({{ excess_of('complaints', 'expected_complaints') }} as double) as excess
    from expected
),

final as (
    select
        scope_kind,
        scope,
        theme,
        alarm_on,
        cast(complaints as bigint) as complaints,
        cast(posts as bigint) as posts,
        expected_complaints,
        excess,
        excess > 10.83 as is_alarm,
        -- The first of its kind within a week: what somebody should be told.
        excess > 10.83 and coalesce(
            alarm_on - max(case when excess > 10.83 then alarm_on end) over (
                partition by scope_kind, scope, theme order by alarm_on rows between unbounded preceding and 1 preceding
            ), 8
        ) > 7 as is_new
    from judged
)

select * from final
