-- One row per SKU, channel and place with demand in complete weeks: its part of what the channel sold of the SKU.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

days as (
    select * from {{ ref('fct_demand_day') }}
),

final as (
    select
        days.sku,
        days.channel_id,
        days.location_id,
        cast(sum(days.units) as double) / nullif(sum(sum(days.units)) over (partition by days.sku, days.channel_id), 0) as weight
    from days
    cross join workspace
    where {{ week_of('days.demand_on') }} <= workspace.last_week_on
    group by days.sku, days.channel_id, days.location_id
)

select * from final
