-- One row per reading of a line's counter: units since its first reading, counted on across the register's rollover.
-- A step is taken modulo the register's width. More than the line can make in the time since the last reading (a second
-- is added for clocks that tell whole ones), or from a falling register half its width or more, is a reset or another
-- register. That is no production: what the line made before the register started again is lost, not invented.
-- A counter of 64 bits never comes to its end: 62 stand in for them, because 2 to the 64th is no bigint.
with

readings as (
    select * from {{ ref('stg_scada__readings') }}
    where quality = 'good' and counter_raw is not null and counter_bits is not null
),

crosswalk as (
    select * from {{ ref('code_crosswalk') }}
    where kind = 'device'
),

followed as (
    select
        coalesce(crosswalk.new_code, readings.device_id) as line_id,
        readings.tag,
        readings.read_at,
        readings.counter_raw,
        readings.max_per_second,
        readings.counter_raw - lag(readings.counter_raw) over series as step,
        {{ seconds_between('lag(readings.read_at) over series', 'readings.read_at') }} + 1 as seconds,
        cast(power(2, least(readings.counter_bits, 62)) as bigint) as width
    from readings
    left join crosswalk on readings.device_id = crosswalk.old_code
    window series as (partition by readings._source, readings.device_id, readings.tag order by readings.read_at)
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
