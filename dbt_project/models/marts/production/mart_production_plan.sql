{{ config(tags=['pass_d']) }}
{%- set planned = [
    'units', 'setups', 'run_minutes', 'setup_minutes', 'overtime_minutes', 'backorder_units', 'safety_short_units'
] %}

-- One row per line, SKU and week of the plan's horizon with forecast, new lots, firm orders or missing units. A forecast
-- stands on the line that makes the SKU best (- where none does), so that demand by week is the whole forecast.
with

plan as (
    select * from {{ ref('stg_planning__production_plan') }}
),

firm as (
    select
        line_id,
        sku,
        cast({{ week_of('cast(start_at as date)') }} as date) as week_on,
        sum(units) as firm_units,
        cast(sum({{ ticks_between('microsecond', 'start_at', 'end_at') }}) as double) / 60000000 as firm_minutes
    from {{ ref('stg_planning__schedule_orders') }}
    where state = 'released'
    group by line_id, sku, cast({{ week_of('cast(start_at as date)') }} as date)
),

horizon as (
    select
        plan_id,
        min(week_on) as first_on,
        max(week_on) as last_on
    from (
        select
            plan_id,
            week_on
        from {{ ref('stg_planning__requirements') }}
        union all
        select
            plan_id,
            week_on
        from plan
    )
    group by plan_id
),

demand as (
    select
        coalesce(routing.line_id, '-') as line_id,
        forecast.sku,
        forecast.week_on,
        cast({{ in_order('sum', 'forecast.mean', 'forecast.channel_id') }} as decimal(18, 3)) as demand_units
    from {{ ref('int_planning_demand') }} as forecast
    inner join horizon on forecast.week_on between horizon.first_on and horizon.last_on
    left join {{ ref('int_planning_routing') }} as routing on forecast.sku = routing.sku and routing.is_preferred
    group by coalesce(routing.line_id, '-'), forecast.sku, forecast.week_on
    having cast({{ in_order('sum', 'forecast.mean', 'forecast.channel_id') }} as decimal(18, 3)) > 0
),

parts as (
    {{- stacked({
        'plan': ['line_id', 'sku', 'week_on', 'zone'] + planned,
        'firm': ['line_id', 'sku', 'week_on', 'firm_units', 'firm_minutes'],
        'demand': ['line_id', 'sku', 'week_on', 'demand_units']
    }) }}
),

-- A part has one row per line, SKU and week, so the greatest of each figure is the one there is.
rows_of_weeks as (
    select
        line_id,
        sku,
        week_on,
        coalesce(max(units), 0) as units,
        coalesce(max(setups), 0) as setups,
        coalesce(max(run_minutes), 0) as run_minutes,
        coalesce(max(setup_minutes), 0) as setup_minutes,
        coalesce(max(overtime_minutes), 0) as overtime_minutes,
        cast(coalesce(max(firm_units), 0) as decimal(18, 3)) as firm_units,
        cast(coalesce(max(firm_minutes), 0) as double) as firm_minutes,
        coalesce(max(backorder_units), 0) as backorder_units,
        coalesce(max(safety_short_units), 0) as safety_short_units,
        cast(coalesce(max(demand_units), 0) as decimal(18, 3)) as demand_units,
        max(zone) as zone
    from parts
    group by line_id, sku, week_on
),

loads as (
    select
        line_id,
        week_on,
        {{ in_order('sum', 'run_minutes + setup_minutes + firm_minutes', 'sku') }} as used_minutes
    from rows_of_weeks
    group by line_id, week_on
),

final as (
    select
        horizon.plan_id,
        rows_of_weeks.* {{ but(['zone']) }},
        case
            when rows_of_weeks.zone is not null then rows_of_weeks.zone
            when rows_of_weeks.week_on < horizon.first_on + cast(policy.frozen_days as integer) then 'frozen'
            when rows_of_weeks.week_on < horizon.first_on + cast(policy.frozen_days + policy.slushy_days as integer) then 'slushy'
            else 'free'
        end as zone,
        calendar.available_minutes,
        calendar.overtime_minutes as overtime_allowed_minutes,
        round(loads.used_minutes / nullif(calendar.available_minutes, 0), 6) as utilisation_rate
    from rows_of_weeks
    cross join horizon
    inner join loads on rows_of_weeks.line_id = loads.line_id and rows_of_weeks.week_on = loads.week_on
    left join {{ ref('int_planning_calendar') }} as calendar
        on rows_of_weeks.line_id = calendar.line_id and rows_of_weeks.week_on = calendar.week_on
    left join {{ ref('int_planning_item_policy') }} as policy on rows_of_weeks.sku = policy.sku
)

select * from final
