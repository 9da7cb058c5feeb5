-- One row per line and shift that is over: those of the calendar, and work that no shift of the calendar holds.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

calendar as (
    select * from {{ ref('int_line_calendar') }}
),

worked as (
    select
        run_shifts.line_id,
        run_shifts.starts_at,
        min(run_shifts.shift_id) as shift_id,
        bool_and(run_shifts.is_planned) as is_planned,
        max(runs.ended_at) as ended_at,
        {{ in_order('sum', 'runs.planned_minutes', 'runs.started_at, runs.result_id') }} as taken_minutes
    from {{ ref('int_run_shifts') }} as run_shifts
    inner join {{ ref('fct_production_run') }} as runs
        on run_shifts._source = runs._source and run_shifts.result_id = runs.result_id
    group by run_shifts.line_id, run_shifts.starts_at
),

every as (
    select
        calendar.line_id,
        calendar.starts_at,
        calendar.ends_at,
        coalesce(worked.shift_id, '-') as shift_id,
        calendar.available_minutes,
        calendar.reason,
        true as is_planned
    from calendar
    left join worked on calendar.line_id = worked.line_id and calendar.starts_at = worked.starts_at
    union all
    select
        line_id,
        starts_at,
        ended_at as ends_at,
        shift_id,
        taken_minutes as available_minutes,
        '-' as reason,
        false as is_planned
    from worked
    where not is_planned
),

final as (
    select
        every.*,
        {{ business_date('every.starts_at', 'workspace.timezone', 'workspace.day_starts_minutes') }} as shift_on
    from every
    cross join workspace
    where every.ends_at <= workspace.now_at
)

select * from final
