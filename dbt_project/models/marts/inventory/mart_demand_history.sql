{{ config(tags=['pass_c']) }}

-- One row per SKU, channel, place and day of demand: what was observed, and what would have been with stock on the shelf and
-- without bulk orders. History lands only the days on which the two differ.
with

days as (
    select * from {{ ref('fct_demand_day') }}
),

history as (
    select
        *,
        {{ named('on') }} as demand_on
    from {{ ref('stg_forecasting__history') }}
),

final as (
    select
        days.sku,
        days.channel_id,
        days.location_id,
        days.demand_on,
        days.units as observed_units,
        coalesce({{ to_decimal('history.unconstrained_units', 3) }}, days.units) as unconstrained_units,
        days.is_in_stock,
        coalesce(history.method, 'observed') as method
    from days
    left join history
        on
            days.sku = history.sku
            and days.channel_id = history.channel_id
            and days.location_id = history.location_id
            and days.demand_on = history.demand_on
)

select * from final
