-- One row per reading of a line's counter: units since its first reading, counted on across the register's rollover.
-- A step is taken modulo the register's width. More than the line can make in the time since the last reading (a second
-- is added for clocks that tell whole ones), or from a falling register half its width or more, is a reset or another
-- register. That is no production: what the line made before the register started again is lost, not invented. Nor is
-- what a device counted on its way from one line to another.
-- A counter of 64 bits never comes to its end: 62 stand in for them, because 2 to the 64th is no bigint.
with

readings as (
    select * from {{ ref('stg_scada__readings') }}
    where quality = 'good' and counter_raw is not null and counter_bits is not null
),

placed as (
    {{ with_device_line('readings', 'read_at') }}
),

followed as (
    select
        device_line_id as line_id,
        tag,
        read_at,
        counter_raw,
        max_per_second,
        case when device_line_id = lag(device_line_id) over series then counter_raw - lag(counter_raw) over series end as step,
        {{ seconds_between('lag(read_at) over series', 'read_at') }} + 1 as seconds,
        cast(power(2, least(counter_bits, 62)) as bigint) as width
    from placed
    window series as (partition by _source, device_id, tag order by read_at)
),

stepped as (
    select
        *,
        case when step < 0 then step + width else step end as passed
    from followed
),

counted as (
    select
        *,
        (step < 0 and passed >= width / 2) or coalesce(passed > max_per_second * seconds, false) as is_reset
    from stepped
),

final as (
    select
        line_id,
        tag,
        read_at,
        counter_raw,
        coalesce(is_reset, false) as is_reset,
        cast(
            sum(case when is_reset then 0 else coalesce(passed, 0) end) over (partition by line_id, tag order by read_at)
            as bigint
        ) as counted_units
    from counted
)

select * from final
