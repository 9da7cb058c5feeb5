-- One row per unplanned stop of a line, as its alarms tell it. Where two alarms ring at once the first one has the time,
-- so that minutes can be added up; an alarm that is not over yet lasts until the clock.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

crosswalk as (
    select * from {{ ref('code_crosswalk') }}
    where kind = 'device'
),

alarms as (
    select
        events._source,
        events.device_id,
        events.event_id,
        coalesce(events.line_id, crosswalk.new_code, events.device_id) as line_id,
        coalesce(events.message, '-') as reason,
        events.started_at,
        least(coalesce(events.ended_at, workspace.now_at), workspace.now_at) as ended_at
    from {{ ref('stg_scada__events') }} as events
    cross join workspace
    left join crosswalk on events.device_id = crosswalk.old_code
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
