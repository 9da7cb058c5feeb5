-- In every week of the plan, demand over all lines is the forecast of each SKU over all channels, to the last digit.
with

shown as (
    select
        sku,
        week_on,
        sum(demand_units) as units
    from {{ ref('mart_production_plan') }}
    group by sku, week_on
),

weeks as (
    select distinct week_on from {{ ref('stg_planning__requirements') }}
),

forecast as (
    select
        sku,
        week_on,
        cast(sum(mean order by channel_id) as decimal(18, 3)) as units
    from {{ ref('int_planning_demand') }}
    where week_on in (select weeks.week_on from weeks)
    group by sku, week_on
)

select
    coalesce(shown.sku, forecast.sku) as sku,
    coalesce(shown.week_on, forecast.week_on) as week_on,
    shown.units as shown_units,
    forecast.units as forecast_units
from shown
full outer join forecast on shown.sku = forecast.sku and shown.week_on = forecast.week_on
where
    coalesce(shown.units, 0) <> coalesce(forecast.units, 0)
    and coalesce(shown.week_on, forecast.week_on) in (select weeks.week_on from weeks)
