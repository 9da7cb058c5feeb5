-- One row per place, SKU and step of the forecast walked forward from today: from how many days ahead it holds, demand a
-- day and how widely that varies, and what the steps before it add up to. The last step holds for ever.
-- A warehouse serves its share of all channels, a store its share of its channel; where no forecast says anything, a
-- store sells on as in its last eight weeks. The mill serves nobody: what it makes moves on.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

shares as (
    select * from {{ ref('int_demand_shares') }}
),

forecast as (
    select
        sku,
        channel_id,
        bucket_on as week_on,
        {{ in_order('sum', 'final_units', 'location_id') }} as mean,
        -- Between the 10th and the 90th of a hundred lie 2.5631 standard deviations; counted things vary by their mean at least.
        {{ in_order('sum', 'greatest(power((q90_units - q10_units) / 2.5631, 2), final_units)', 'location_id') }} as variance
    from {{ ref('int_forecast_final') }}
    where freq = 'W'
    group by sku, channel_id, bucket_on
),

-- Of each unit asked for in the channel, the share says how likely it is asked for here.
thinned as (
    select
        shares.location_id,
        shares.sku,
        forecast.week_on,
        {{ in_order('sum', 'forecast.mean * shares.share_rate', 'forecast.channel_id') }} as mean,
        {{ in_order(
            'sum',
            'forecast.variance * power(shares.share_rate, 2) + forecast.mean * shares.share_rate * (1 - shares.share_rate)',
            'forecast.channel_id'
        ) }} as variance
    from shares
    inner join forecast on shares.sku = forecast.sku and shares.channel_id in ('*', forecast.channel_id)
    group by shares.location_id, shares.sku, forecast.week_on
),

flat as (
    select
        shares.location_id,
        shares.sku,
        workspace.today_on as week_on,
        shares.daily_units * 7 as mean,
        shares.daily_units * 7 as variance
    from shares
    cross join workspace
    anti join thinned on shares.location_id = thinned.location_id and shares.sku = thinned.sku
    where shares.daily_units > 0
),

ahead as (
    select
        steps.location_id,
        steps.sku,
        steps.mean / 7 as daily_units,
        steps.variance / 7 as daily_variance,
        {{ days_between('workspace.today_on', 'steps.week_on') }} as from_days,
        row_number() over walk as step
    from (
        select * from thinned
        union all
        select * from flat
    ) as steps
    cross join workspace
    where steps.week_on + 7 > workspace.today_on
    window walk as (partition by steps.location_id, steps.sku order by steps.week_on)
),

bounded as (
    select
        * {{ but(['from_days']) }},
        case when step = 1 then 0 else from_days end as from_days,
        coalesce(lead(from_days) over (partition by location_id, sku order by step), 1000000) as to_days
    from ahead
),

final as (
    select
        location_id,
        sku,
        step,
        cast(from_days as double) as from_days,
        cast(to_days as double) as to_days,
        daily_units,
        daily_variance,
        coalesce(sum(daily_units * (to_days - from_days)) over before, 0) as units_before,
        coalesce(sum(daily_variance * (to_days - from_days)) over before, 0) as variance_before
    from bounded
    where true
    window before as (
        partition by location_id, sku order by step rows between unbounded preceding and 1 preceding
    )
)

select * from final
