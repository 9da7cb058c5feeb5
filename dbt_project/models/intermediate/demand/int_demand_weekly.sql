-- One row per SKU, channel and complete week from the SKU's first sale in the channel on, zeros filled. Shares weigh each
-- store by its part of the SKU's sales in the channel, so that an empty shelf counts as what it usually sells.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

demand as (
    select
        days.*,
        {{ week_of('days.demand_on') }} as week_on
    from {{ ref('fct_demand_day') }} as days
    cross join workspace
    where {{ week_of('days.demand_on') }} <= workspace.last_week_on
),

products as (
    select * from {{ ref('dim_product') }}
    where is_current
),

placed as (
    select * from {{ ref('int_promotion_weeks') }}
    where is_display or is_mailer
),

series as (
    select
        sku,
        channel_id,
        min(week_on) filter (where units > 0) as first_week_on
    from demand
    group by sku, channel_id
),

calendar as (
    select
        series.sku,
        series.channel_id,
        {{ dates_from('series.first_week_on', 'workspace.last_week_on + 1', 7) }} as week_on
    from series
    cross join workspace
    where series.first_week_on is not null
),

weights as (
    select * from {{ ref('int_demand_weights') }}
),

weekly as (
    select
        demand.sku,
        demand.channel_id,
        demand.week_on,
        sum(demand.units) as units,
        {{ to_decimal(
            '(cast(sum(demand.price_amount * demand.units) as double)
            / nullif(sum(demand.units) filter (where demand.price_amount is not null), 0))', 4
        ) }} as price_amount,
        -- Sums of floating numbers depend on their order unless it is given.
        {{ in_order('sum', 'case when demand.is_in_stock then 0 else weights.weight / 7 end', 'demand.location_id, demand.demand_on') }} as empty_share
    from demand
    inner join weights
        on demand.sku = weights.sku and demand.channel_id = weights.channel_id and demand.location_id = weights.location_id
    group by demand.sku, demand.channel_id, demand.week_on
),

promoted as (
    select
        weights.sku,
        weights.channel_id,
        placed.week_on,
        {{ in_order('sum', 'weights.weight', 'weights.location_id') }} as promoted_share
    from placed
    inner join weights on placed.sku = weights.sku and placed.store_id = weights.location_id
    group by weights.sku, weights.channel_id, placed.week_on
),

final as (
    select
        calendar.sku,
        calendar.channel_id,
        '*' as location_id,
        calendar.week_on,
        cast(coalesce(weekly.units, 0) as decimal(18, 3)) as units,
        -- A week without sales has no price of its own: the last one stands, and before the first one the list price.
        coalesce(
            {{ last_known('case when weekly.units > 0 then weekly.price_amount end') }} over (
                partition by calendar.sku, calendar.channel_id order by calendar.week_on
            ),
            products.list_price_amount,
            0
        ) as price_amount,
        round(least(greatest(coalesce(promoted.promoted_share, 0), 0), 1), 6) as promoted_share_rate,
        round(least(greatest(1 - coalesce(weekly.empty_share, 0), 0), 1), 6) as in_stock_rate,
        products.retired_on
    from calendar
    left join products on calendar.sku = products.sku
    left join weekly
        on calendar.sku = weekly.sku and calendar.channel_id = weekly.channel_id and calendar.week_on = weekly.week_on
    left join promoted
        on calendar.sku = promoted.sku and calendar.channel_id = promoted.channel_id and calendar.week_on = promoted.week_on
)

select * from final
