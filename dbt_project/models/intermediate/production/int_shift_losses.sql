-- One row per line and shift: what its results add up to, and the minutes planned for orders.
with

shifts as (
    select * from {{ ref('int_shifts') }}
),

runs as (
    select
        runs.*,
        run_shifts.starts_at as shift_starts_at
    from {{ ref('fct_production_run') }} as runs
    inner join {{ ref('int_run_shifts') }} as run_shifts
        on runs._source = run_shifts._source and runs.result_id = run_shifts.result_id
),

-- When the line had something to do: what was planned for it, and what it did.
orders as (
    select
        line_id,
        planned_start_at as start_at,
        planned_end_at as end_at
    from {{ ref('stg_mes__work_orders') }}
    where line_id is not null and planned_start_at < planned_end_at
),

busy as (
    select * from orders
    union all
    select
        line_id,
        started_at as start_at,
        ended_at as end_at
    from runs
),

made as (
    select
        line_id,
        shift_starts_at,
        {{ in_order('sum', 'planned_minutes', 'started_at, result_id') }} as taken_minutes,
        {{ in_order('sum', 'setup_minutes', 'started_at, result_id') }} as setup_minutes,
        {{ in_order('sum', 'changeover_minutes', 'started_at, result_id') }} as changeover_minutes,
        {{ in_order('sum', 'stop_minutes', 'started_at, result_id') }} as stop_minutes,
        sum(good_units) as good_units,
        sum(scrap_units) as scrap_units,
        sum(rework_units) as rework_units,
        sum(made_units) as made_units,
        -- One product without an ideal speed, and nothing can be said of the shift's.
        case
            when count(*) = count(ideal_units_per_hour)
                then {{ in_order('sum', 'coalesce(ideal_minutes, 0)', 'started_at, result_id') }}
        end as ideal_minutes,
        {{ in_order('sum', 'coalesce(ideal_minutes * first_pass_rate, 0)', 'started_at, result_id') }} as good_minutes
    from runs
    group by line_id, shift_starts_at
),

-- From the first order of the shift to its last: what lies between is waiting, what lies outside had no order.
ordered as (
    select
        shifts.line_id,
        shifts.starts_at,
        {{ minutes_between('min(greatest(shifts.starts_at, busy.start_at))', 'max(least(shifts.ends_at, busy.end_at))') }} as minutes
    from shifts
    inner join busy
        on
            shifts.line_id = busy.line_id
            and shifts.starts_at < busy.end_at
            and shifts.ends_at > busy.start_at
    group by shifts.line_id, shifts.starts_at
),

-- Of a line whose work orders bear no times nobody knows when it had nothing to do: all its minutes count as planned.
dated as (
    select distinct line_id from orders
),

final as (
    select
        shifts.line_id,
        shifts.starts_at,
        coalesce(made.taken_minutes, 0) as taken_minutes,
        coalesce(made.setup_minutes, 0) as setup_minutes,
        coalesce(made.changeover_minutes, 0) as changeover_minutes,
        coalesce(made.stop_minutes, 0) as stop_minutes,
        coalesce(made.good_units, 0) as good_units,
        coalesce(made.scrap_units, 0) as scrap_units,
        coalesce(made.rework_units, 0) as rework_units,
        coalesce(made.made_units, 0) as made_units,
        made.ideal_minutes,
        case when made.ideal_minutes is not null then made.good_minutes end as good_minutes,
        case
            when dated.line_id is null then shifts.available_minutes
            else least(shifts.available_minutes, coalesce(ordered.minutes, 0))
        end as planned_minutes
    from shifts
    left join made on shifts.line_id = made.line_id and shifts.starts_at = made.shift_starts_at
    left join ordered on shifts.line_id = ordered.line_id and shifts.starts_at = ordered.starts_at
    left join dated on shifts.line_id = dated.line_id
)

select * from final
