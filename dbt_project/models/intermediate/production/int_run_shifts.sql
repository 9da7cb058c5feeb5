-- One row per result: the shift of its line that it belongs to. The calendar has shifts but no names for them; work
-- that no shift of the calendar holds makes a shift of its own, by the name and day the result gives.
with

runs as (
    select * from {{ ref('fct_production_run') }}
),

calendar as (
    select * from {{ ref('int_line_calendar') }}
),

placed as (
    select
        runs._source,
        runs.result_id,
        runs.line_id,
        coalesce(runs.shift_id, '-') as shift_id,
        runs.produced_on,
        runs.started_at,
        max(calendar.starts_at) as calendar_starts_at
    from runs
    left join calendar
        on
            runs.line_id = calendar.line_id
            and runs.started_at >= calendar.starts_at
            and runs.started_at < calendar.ends_at
    group by runs._source, runs.result_id, runs.line_id, coalesce(runs.shift_id, '-'), runs.produced_on, runs.started_at
),

final as (
    select
        _source,
        result_id,
        line_id,
        shift_id,
        coalesce(calendar_starts_at, min(started_at) over (partition by line_id, produced_on, shift_id, calendar_starts_at)) as starts_at,
        calendar_starts_at is not null as is_planned
    from placed
)

select * from final
