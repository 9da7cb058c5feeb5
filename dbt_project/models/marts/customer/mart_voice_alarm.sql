{{ config(tags=['pass_c']) }}

-- One row per scope, theme and day with a complaint, where the seven days up to it hold at least three: how many there
-- were, how many were to be expected from the twelve weeks before, and whether that is an alarm.
with

counts as (
    select * from {{ ref('int_voice_scopes') }}
),

followed as (
    select * from {{ ref('int_voice_windows') }}
),

asked as (
    select distinct
        theme,
        alarm_on
    from followed
),

-- What is usual of the theme over everything the brand makes.
usual as (
    select
        asked.theme,
        asked.alarm_on,
        sum(case when counts.theme = asked.theme then counts.posts else 0 end) as complaints,
        sum(case when counts.theme = '*' then counts.posts else 0 end) as posts
    from asked
    inner join counts
        on
            counts.scope_kind = 'brand'
            and counts.theme in (asked.theme, '*')
            and counts.posted_on between asked.alarm_on - 90 and asked.alarm_on - 7
    group by asked.theme, asked.alarm_on
),

-- A scope's own past, as far as it goes, drawn towards what is usual: twenty posts of it weigh as much.
expected as (
    select
        followed.*,
        followed.posts * (followed.past_complaints + cast(20 * (usual.complaints + 0.5) as double) / (usual.posts + 1))
        / (followed.past_posts + 20) as expected_complaints
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
        excess > 15.14 as is_alarm,
        -- The first of its kind within a week: what somebody should be told.
        excess > 15.14 and coalesce(alarm_on > max(case when excess > 15.14 then alarm_on + 7 end) over (
            partition by scope_kind, scope, theme order by alarm_on rows between unbounded preceding and 1 preceding
        ), true) as is_new
    from judged
)

select * from final
