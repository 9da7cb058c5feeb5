-- One row per reading of a line's `state`: minutes it has run (state 1) since its first reading. A state holds until the
-- next one is read; a bad reading says nothing.
with

readings as (
    select * from {{ ref('stg_scada__readings') }}
    where tag = 'state' and quality = 'good' and value is not null
),

crosswalk as (
    select * from {{ ref('code_crosswalk') }}
    where kind = 'device'
),

followed as (
    select
        coalesce(crosswalk.new_code, readings.device_id) as line_id,
        readings.read_at,
        lag(readings.value) over series = 1 as was_running,
        {{ seconds_between('lag(readings.read_at) over series', 'readings.read_at') }} as seconds
    from readings
    left join crosswalk on readings.device_id = crosswalk.old_code
    window series as (partition by readings._source, readings.device_id order by readings.read_at)
),

final as (
    select
        line_id,
        read_at,
        cast(sum(case when was_running then seconds else 0 end) over (partition by line_id order by read_at) as double) / 60
            as running_minutes
    from followed
)

select * from final
