{{ config(materialized='view') }}

-- One row per line and week of the plan that the calendar knows: minutes used and minutes allowed.
with

final as (
    select
        line_id,
        week_on,
        {{ in_order('sum', 'firm_minutes + run_minutes + setup_minutes', 'sku') }} as load_minutes,
        -- The calendar stands beside each SKU of the line's week.
        max(available_minutes) as calendar_minutes
    from {{ ref('mart_production_plan') }}
    where available_minutes is not null
    group by line_id, week_on
)

select * from final
