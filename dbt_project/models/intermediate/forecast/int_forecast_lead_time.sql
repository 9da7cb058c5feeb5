-- One row: how many weeks ahead a forecast counts. Half of the SKUs that are forecast are made within the lead time; the
-- last forecast that leaves it that much time before a week begins was made so many weeks before.
with

forecast as (
    select distinct sku from {{ ref('stg_forecasting__demand') }}
),

policies as (
    select * from {{ ref('int_planning_item_policy') }}
),

lead as (
    select coalesce(median(coalesce(policies.lead_time_days, {{ var('lead_time_days') }})), {{ var('lead_time_days') }}) as lead_time_days
    from forecast
    left join policies on forecast.sku = policies.sku
),

final as (
    select
        cast(lead_time_days as double) as lead_time_days,
        -- The next week is one week ahead, and leaves no time at all.
        cast(ceil(lead_time_days / 7) + 1 as bigint) as weeks_ahead
    from lead
)

select * from final
