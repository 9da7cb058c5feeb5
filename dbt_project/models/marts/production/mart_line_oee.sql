{{ config(tags=['pass_b']) }}

-- One row per line and shift that is over: availability × performance × quality from the MES, beside what the line's own
-- counters say. Planned stops and minutes without an order are no planned time; what was planned is run, set up, stood
-- still or waited for. Quality weighs products by their ideal minutes, so that the losses add up to the planned time.
with

shifts as (
    select
        shifts.*,
        {{ minutes_between('shifts.starts_at', 'shifts.ends_at') }} as shift_minutes
    from {{ ref('int_shifts') }} as shifts
),

losses as (
    select * from {{ ref('int_shift_losses') }}
),

counters as (
    select * from {{ ref('int_shift_counters') }}
),

failures as (
    select * from {{ ref('int_shift_failures') }}
),

timed as (
    select
        shifts.line_id,
        shifts.starts_at,
        shifts.ends_at,
        shifts.shift_id,
        shifts.shift_on,
        shifts.is_planned,
        round(shifts.shift_minutes, 2) as shift_minutes,
        round(greatest(shifts.shift_minutes - shifts.available_minutes, 0), 2) as planned_stop_minutes,
        round(shifts.available_minutes - losses.planned_minutes, 2) as no_order_minutes,
        round(losses.planned_minutes, 2) as planned_minutes,
        round(losses.setup_minutes, 2) as setup_minutes,
        round(losses.changeover_minutes, 2) as changeover_minutes,
        round(losses.stop_minutes, 2) as stop_minutes,
        round(greatest(losses.planned_minutes - losses.taken_minutes, 0), 2) as waiting_minutes,
        round(losses.taken_minutes - losses.setup_minutes - losses.stop_minutes, 2) as run_minutes,
        round(losses.ideal_minutes, 4) as ideal_minutes,
        round(losses.good_minutes, 4) as good_minutes,
        cast(losses.made_units as decimal(18, 3)) as made_units,
        cast(losses.good_units as decimal(18, 3)) as good_units,
        cast(losses.scrap_units as decimal(18, 3)) as scrap_units,
        cast(losses.rework_units as decimal(18, 3)) as rework_units
    from shifts
    inner join losses on shifts.line_id = losses.line_id and shifts.starts_at = losses.starts_at
),

rated as (
    select
        timed.*,
        timed.run_minutes / nullif(timed.planned_minutes, 0) as availability_rate,
        timed.ideal_minutes / nullif(timed.run_minutes, 0) as performance_rate,
        timed.good_minutes / nullif(timed.ideal_minutes, 0) as quality_rate,
        timed.good_minutes / nullif(timed.planned_minutes, 0) as oee_rate,
        coalesce(failures.failures, 0) as failures,
        coalesce(failures.repair_minutes, 0) as repair_minutes,
        counters.good_units as counter_good_units,
        counters.reject_units as counter_reject_units,
        round(counters.run_minutes, 2) as counter_run_minutes,
        counters.run_minutes / nullif(timed.planned_minutes, 0) as counter_availability_rate,
        cast(counters.good_units - timed.good_units as decimal(18, 3)) as difference_units,
        round(counters.run_minutes - timed.run_minutes, 2) as difference_minutes
    from timed
    left join counters on timed.line_id = counters.line_id and timed.starts_at = counters.starts_at
    left join failures on timed.line_id = failures.line_id and timed.starts_at = failures.starts_at
),

final as (
    select
        *,
        coalesce(greatest(availability_rate, performance_rate, quality_rate, oee_rate) > 1, false) as is_above_one,
        case
            when difference_units is null then 'no counter'
            when abs(difference_units) > greatest(1, {{ var('counter_tolerance_rate') }} * greatest(good_units, counter_good_units)) then 'units differ'
            when abs(difference_minutes) > greatest(5, {{ var('state_tolerance_rate') }} * planned_minutes) then 'minutes differ'
            else 'agree'
        end as counter_verdict
    from rated
)

select * from final
