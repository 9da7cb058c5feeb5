-- One row per shift of a line with minutes for work. A stop that has a row of its own leaves none, and is no shift.
with

calendars as (
    select * from {{ ref('stg_mes__calendars') }}
    where available_minutes > 0
    qualify row_number() over (partition by line_id, starts_at order by observed_at desc, _source asc) = 1
),

final as (
    select
        line_id,
        starts_at,
        ends_at,
        available_minutes,
        coalesce(reason, 'shift') as reason
    from calendars
)

select * from final
