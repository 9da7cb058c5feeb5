-- One row per unplanned stop of a line, as its alarms tell it. Where two alarms ring at once the first one has the time,
-- so that minutes can be added up; an alarm that is not over yet lasts until the clock.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

events as (
    {{ with_device_line(ref('stg_scada__events'), 'started_at') }}
),

alarms as (
    select
        events._source,
        events.device_id,
        events.event_id,
        coalesce(events.line_id, events.device_line_id) as line_id,
        coalesce(events.message, '-') as reason,
        events.started_at,
        least(coalesce(events.ended_at, workspace.now_at), workspace.now_at) as ended_at
    from events
    cross join workspace
    where events.kind = 'stop'
),

followed as (
    select
        *,
        max(ended_at) over (
            partition by line_id
            order by started_at, ended_at, device_id, event_id
            rows between unbounded preceding and 1 preceding
        ) as taken_until
    from alarms
),

apart as (
    select
        _source,
        device_id,
        event_id,
        line_id,
        reason,
        greatest(started_at, coalesce(taken_until, started_at)) as started_at,
        ended_at
    from followed
),

final as (
    select * from apart
    where started_at < ended_at
)

select * from final
