-- One row per campaign that has begun: a day of an advertisement, a live session's slot fee, a promotion's media; in the
-- workspace's currency, at its own day's rate.
with

workspace as (
    select * from {{ ref('int_workspace') }}
),

campaigns as (
    select
        'ads:' || platform || ':' || campaign_id || ':' || {{ named('on') }} as cost_id,
        'ads' as step,
        platform,
        shop_id,
        {{ named('on') }} as cost_on,
        cash_amount as amount,
        currency
    from {{ ref('stg_ads__daily') }}
    union all
    select
        'live:' || sessions.platform || ':' || sessions.room_id as cost_id,
        'influencer' as step,
        sessions.platform,
        cast(null as string) as shop_id,
        {{ business_date('sessions.started_at', 'workspace.timezone', 'workspace.day_starts_minutes') }} as cost_on,
        sessions.slot_fee_amount as amount,
        sessions.currency
    from {{ ref('stg_live__sessions') }} as sessions
    cross join workspace
    union all
    select
        'promotion:' || promotion_id as cost_id,
        'trade_spend' as step,
        cast(null as string) as platform,
        cast(null as string) as shop_id,
        starts_on as cost_on,
        media_amount as amount,
        currency
    from {{ ref('stg_trade__promotions') }}
),

final as (
    select
        campaigns.* {{ but(['amount', 'currency']) }},
        {{ converted('campaigns.amount', 'rates.rate') }} as amount
    from campaigns
    inner join {{ ref('int_currency_days') }} as rates on campaigns.currency = rates.currency and campaigns.cost_on = rates.rated_on
    cross join workspace
    where campaigns.amount <> 0 and campaigns.cost_on < workspace.today_on
)

select * from final
