{{ config(tags=['pass_b']) }}

-- Bills, parcels and campaigns are shared out whole: none of their money is lost or doubled on the way to the margin.
with

actuals as (
    select
        costs.order_id,
        min(actuals.platform_fee_amount) as platform_fee_amount,
        min(actuals.shipping_amount) as shipping_amount,
        sum(costs.platform_fee_amount) as shared_fee_amount,
        sum(costs.freight_amount) as shared_shipping_amount
    from {{ ref('int_web_costs') }} as costs
    inner join {{ ref('int_order_actuals') }} as actuals
        on costs._source = actuals._source and costs.shop_id = actuals.shop_id and costs.order_id = actuals.order_id
    group by costs._source, costs.shop_id, costs.order_id
),

campaigns as (
    select sum(amount) as amount from {{ ref('int_campaign_costs') }}
),

billed as (
    select sum({{ converted('promotions.media_amount', 'rates.rate') }}) as amount
    from {{ ref('stg_trade__promotions') }} as promotions
    inner join {{ ref('int_currency_days') }} as rates on promotions.currency = rates.currency and promotions.starts_on = rates.rated_on
    cross join {{ ref('int_workspace') }} as workspace
    where promotions.starts_on < workspace.today_on
)

select order_id from actuals
where shared_fee_amount <> platform_fee_amount or shared_shipping_amount <> shipping_amount
union all
select 'promotions' as order_id
from campaigns
cross join billed
where coalesce(campaigns.amount, 0) < coalesce(billed.amount, 0)
