-- One row per line and shift at both ends of which the line's counters were read: what they rose by, and minutes its
-- `state` says that it ran. A reading further than five minutes from the end that it stands for is none.
with

shifts as (
    select
        line_id,
        starts_at,
        ends_at
    from {{ ref('int_shifts') }}
),

readings as (
    select
        line_id,
        tag,
        read_at,
        max(cast(counted_units as double)) as total
    from {{ ref('int_line_counters') }}
    where tag in ('good_count', 'reject_count')
    group by line_id, tag, read_at
    union all
    select
        line_id,
        'state' as tag,
        read_at,
        max(running_minutes) as total
    from {{ ref('int_line_states') }}
    group by line_id, read_at
),

tags as (
    select distinct
        line_id,
        tag
    from readings
),

asked as (
    select
        shifts.*,
        tags.tag
    from shifts
    inner join tags on shifts.line_id = tags.line_id
),

begun as (
    {{ as_of('asked', 'starts_at', 'readings', 'read_at', {'line_id': 'line_id', 'tag': 'tag'}, ['total', 'read_at']) }}
),

ended as (
    {{ as_of('asked', 'ends_at', 'readings', 'read_at', {'line_id': 'line_id', 'tag': 'tag'}, ['total', 'read_at']) }}
),

rises as (
    select
        ended.line_id,
        ended.starts_at,
        ended.tag,
        ended.total - begun.total as rise
    from ended
    inner join begun on ended.line_id = begun.line_id and ended.starts_at = begun.starts_at and ended.tag = begun.tag
    where
        {{ seconds_between('ended.read_at', 'ended.ends_at') }} <= 300
        and {{ seconds_between('begun.read_at', 'begun.starts_at') }} <= 300
),

final as (
    select
        line_id,
        starts_at,
        cast(max(case when tag = 'good_count' then rise end) as decimal(18, 3)) as good_units,
        cast(max(case when tag = 'reject_count' then rise end) as decimal(18, 3)) as reject_units,
        max(case when tag = 'state' then rise end) as run_minutes
    from rises
    group by line_id, starts_at
)

select * from final
