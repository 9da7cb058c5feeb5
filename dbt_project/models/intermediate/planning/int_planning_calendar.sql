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
        {{ in_order('sum', 'available_minutes', 'starts_at, _source') }} as available_minutes
    from shifts
    group by line_id, {{ week_of('starts_on') }}
),

minute_costs as (
    select
        line_id,
        {{ in_order('avg', 'cost_per_minute', 'sku') }} as cost_per_minute
    from {{ ref('int_minute_costs') }}
    group by line_id
),

final as (
    select
        weekly.line_id,
        weekly.week_on,
        weekly.available_minutes,
        -- A line that stands still all week has no overtime either.
        weekly.available_minutes * {{ var('overtime_rate') }} as overtime_minutes,
        coalesce(minute_costs.cost_per_minute, 0) * (1 + {{ var('overtime_premium_rate') }}) as overtime_cost_per_minute
    from weekly
    left join minute_costs on weekly.line_id = minute_costs.line_id
)

select * from final
