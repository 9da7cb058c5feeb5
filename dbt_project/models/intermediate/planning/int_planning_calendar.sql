-- One row per line and week: minutes its shifts leave for work, and the overtime that people allow on top.
with

shifts as (
    select
        calendars.*,
        {{ business_date('calendars.starts_at', 'workspace.timezone', 'workspace.day_starts_minutes') }} as starts_on
    from {{ ref('stg_mes__calendars') }} as calendars
    cross join {{ ref('int_workspace') }} as workspace
),

weekly as (
    select
        line_id,
        {{ week_of('starts_on') }} as week_on,
        sum(available_minutes order by starts_at, _source) as available_minutes
    from shifts
    group by line_id, {{ week_of('starts_on') }}
),

final as (
    select
        line_id,
        week_on,
        available_minutes,
        -- A line that stands still all week has no overtime either.
        available_minutes * {{ var('overtime_rate') }} as overtime_minutes,
        cast({{ var('overtime_cost_per_minute') }} as double) as overtime_cost_per_minute
    from weekly
)

select * from final
