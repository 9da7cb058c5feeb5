-- One row per SKU, channel, week and column of what is known ahead of demand, past and coming weeks alike, where it is not
-- zero; `*` for all SKUs or channels. A column's name says which part of a forecast it explains (docs/forecasting.md).
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

weights as (
    select * from {{ ref('int_demand_weights') }}
    where weight > 0
),

days as (
    select * from {{ ref('int_planned_days') }}
),

-- What is placed in coming weeks, in the stores that ever sold the SKU; past weeks have it in int_demand_weekly.
placed as (
    select distinct
        placements.sku,
        placements.store_id,
        {{ week_of('placements.week_on') }} as week_on
    from {{ ref('stg_trade__placements') }} as placements
    cross join workspace
    where
        {{ week_of('placements.week_on') }} > workspace.last_week_on
        and (coalesce(placements.display, '') not in ('', '0', '-') or coalesce(placements.mailer, '') not in ('', '0', '-'))
),

final as (
    select
        sku,
        channel_id,
        name,
        {{ week_of('day_on') }} as week_on,
        round({{ in_order('sum', 'figure', 'day_on') }} / 7, 6) as figure
    from days
    group by sku, channel_id, name, {{ week_of('day_on') }}
    union all
    select
        weights.sku,
        weights.channel_id,
        'promoted_share_rate' as name,
        placed.week_on,
        round(least({{ in_order('sum', 'weights.weight', 'weights.location_id') }}, 1), 6) as figure
    from placed
    inner join weights on placed.sku = weights.sku and placed.store_id = weights.location_id
    group by weights.sku, weights.channel_id, placed.week_on
)

select * from final
