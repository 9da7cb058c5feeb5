{{ config(tags=['pass_d']) }}

-- One row per line, SKU and week of the latest plan, beside the week's demand for the SKU and the line's load.
with

plan as (
    select * from {{ ref('stg_planning__production_plan') }}
),

calendar as (
    select * from {{ ref('int_planning_calendar') }}
),

demand as (
    select
        sku,
        week_on,
        cast(sum(mean order by channel_id) as decimal(18, 3)) as demand_units
    from {{ ref('int_planning_demand') }}
    group by sku, week_on
),

loads as (
    select
        line_id,
        week_on,
        sum(coalesce(run_minutes, 0) + coalesce(setup_minutes, 0) order by sku) as used_minutes
    from plan
    group by line_id, week_on
),

final as (
    select
        plan.plan_id,
        plan.line_id,
        plan.sku,
        plan.week_on,
        plan.units,
        plan.setups,
        plan.run_minutes,
        plan.setup_minutes,
        plan.overtime_minutes,
        plan.backorder_units,
        plan.safety_short_units,
        plan.zone,
        calendar.available_minutes,
        coalesce(demand.demand_units, 0) as demand_units,
        round(loads.used_minutes / nullif(calendar.available_minutes, 0), 6) as utilisation_rate
    from plan
    inner join loads on plan.line_id = loads.line_id and plan.week_on = loads.week_on
    left join calendar on plan.line_id = calendar.line_id and plan.week_on = calendar.week_on
    left join demand on plan.sku = demand.sku and plan.week_on = demand.week_on
)

select * from final
