-- One row per line and shift in which something failed: how often, and minutes until it ran again.
with

failures as (
    select * from {{ ref('fct_event_context') }}
    where is_failure
),

shifts as (
    select * from {{ ref('int_shifts') }}
),

final as (
    select
        shifts.line_id,
        shifts.starts_at,
        count(*) as failures,
        {{ in_order('sum', 'failures.duration_minutes', 'failures.started_at, failures.device_id, failures.event_id') }} as repair_minutes
    from failures
    inner join shifts
        on
            failures.line_id = shifts.line_id
            and failures.started_at >= shifts.starts_at
            and failures.started_at < shifts.ends_at
    group by shifts.line_id, shifts.starts_at
)

select * from final
