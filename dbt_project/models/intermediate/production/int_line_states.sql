-- One row per reading of a line's `state`: minutes it has run (state 1) since its first reading. A state holds until the
-- next one is read, or its device moves to another line; a bad reading says nothing.
with

readings as (
    select * from {{ ref('stg_scada__readings') }}
    where tag = 'state' and quality = 'good' and value is not null
),

placed as (
    {{ with_device_line('readings', 'read_at') }}
),

followed as (
    select
        device_line_id as line_id,
        read_at,
        lag(value) over series = 1 and lag(device_line_id) over series = device_line_id as was_running,
        {{ seconds_between('lag(read_at) over series', 'read_at') }} as seconds
    from placed
    window series as (partition by _source, device_id order by read_at)
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
