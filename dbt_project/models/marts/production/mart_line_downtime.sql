{{ config(tags=['pass_b']) }}

-- One row per line, shift, kind and reason: the minutes of the shift in which the line did not run, each once.
with

oee as (
    select * from {{ ref('mart_line_oee') }}
),

run_shifts as (
    select * from {{ ref('int_run_shifts') }}
),

runs as (
    select * from {{ ref('fct_production_run') }}
),

run_stops as (
    select * from {{ ref('int_run_stops') }}
),

-- What the line calls the planned stop, where its alarms tell it.
planned as (
    select
        oee.line_id,
        oee.starts_at,
        min(events.message) as reason
    from oee
    inner join {{ ref('fct_event_context') }} as events
        on
            oee.line_id = events.line_id
            and oee.starts_at <= events.started_at
            and oee.ends_at > events.started_at
    where events.kind = 'planned'
    group by oee.line_id, oee.starts_at
),

told as (
    select
        run_stops._source,
        run_stops.result_id,
        run_stops.reason,
        run_stops.stops,
        -- A run never stands longer than it lasts: alarms that say so share what there is.
        runs.stop_minutes * run_stops.minutes / sum(run_stops.minutes) over (
            partition by run_stops._source, run_stops.result_id order by run_stops.reason
            rows between unbounded preceding and unbounded following
        ) as minutes
    from run_stops
    inner join runs on run_stops._source = runs._source and run_stops.result_id = runs.result_id
    where runs.stop_basis = 'alarms'
    union all
    select
        _source,
        result_id,
        'unexplained' as reason,
        1 as stops,
        stop_minutes as minutes
    from runs
    where stop_basis = 'speed' and stop_minutes > 0
),

parts as (
    select
        run_shifts.line_id,
        run_shifts.starts_at,
        'stop' as kind,
        told.reason,
        told.minutes,
        told.stops as occurrences
    from told
    inner join run_shifts on told._source = run_shifts._source and told.result_id = run_shifts.result_id
    {% for kind, reason, column in [
        ('setup', "'set-up'", 'setup_minutes - changeover_minutes'), ('setup', "'changeover'", 'changeover_minutes'),
        ('waiting', "'waiting'", 'waiting_minutes'), ('no_order', "'no order'", 'no_order_minutes')
    ] -%}
    union all
    select
        line_id,
        starts_at,
        '{{ kind }}' as kind,
        {{ reason }} as reason,
        {{ column }} as minutes,
        1 as occurrences
    from oee
    {% endfor -%}
    union all
    select
        oee.line_id,
        oee.starts_at,
        'planned' as kind,
        coalesce(planned.reason, shifts.reason) as reason,
        oee.planned_stop_minutes as minutes,
        1 as occurrences
    from oee
    inner join {{ ref('int_shifts') }} as shifts on oee.line_id = shifts.line_id and oee.starts_at = shifts.starts_at
    left join planned on oee.line_id = planned.line_id and oee.starts_at = planned.starts_at
),

final as (
    select
        oee.line_id,
        oee.starts_at,
        oee.shift_id,
        oee.shift_on,
        parts.kind,
        parts.reason,
        round({{ in_order('sum', 'parts.minutes', 'parts.minutes') }}, 4) as minutes,
        cast(sum(parts.occurrences) as bigint) as occurrences
    from parts
    inner join oee on parts.line_id = oee.line_id and parts.starts_at = oee.starts_at
    where parts.minutes > 0
    group by oee.line_id, oee.starts_at, oee.shift_id, oee.shift_on, parts.kind, parts.reason
)

select * from final
