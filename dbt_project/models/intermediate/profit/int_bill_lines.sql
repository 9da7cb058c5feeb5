-- One row per line of a platform's bill as it stands now, with the order it is about where we know one, and what the
-- line said when it was first issued; signed as the platform signs it, in the workspace's currency at the rate of the day
-- of the order, so that rates make no difference between the two; of an unknown order at that of the day it was settled.
with

lines as (
    select * from {{ ref('stg_settlement__lines') }}
),

orders as (
    select
        _source,
        shop_id,
        order_id,
        platform_order_id,
        sold_on,
        counted_source,
        counted_shop_id,
        counted_order_id
    from {{ ref('int_web_orders') }}
),

workspace as (
    select * from {{ ref('int_workspace') }}
),

shops as (
    select * from {{ ref('shops') }}
),

rates as (
    select * from {{ ref('int_currency_days') }}
),

first_issue as (
    select * from {{ ref('int_bill_issues') }}
),

-- Bills name a shop or its platform, and an order by the shop's number or by the platform's; of an order that several
-- systems know it is the one that counts.
placed as (
    select
        *,
        shop_id as platform
    from orders
    union all
    select
        orders.*,
        shops.platform
    from orders
    inner join shops on orders.shop_id = shops.shop_id
    where shops.platform <> orders.shop_id
),

named as (
    select
        counted_source as _source,
        counted_shop_id as shop_id,
        counted_order_id as order_id,
        platform,
        placed.order_id as number
    from placed
    union all
    select
        counted_source as _source,
        counted_shop_id as shop_id,
        counted_order_id as order_id,
        platform,
        platform_order_id as number
    from placed
    where platform_order_id <> order_id
),

names as (
    select * from named
    qualify row_number() over (partition by platform, number order by _source, shop_id, order_id) = 1
),

final as (
    select
        lines.platform,
        lines.statement_id,
        lines.line_id,
        names._source,
        names.shop_id,
        coalesce(names.order_id, lines.order_id, '-') as order_id,
        names.order_id is not null as is_known_order,
        lines.refund_id,
        lines.kind,
        {{ cost_step('lines.kind') }} as step,
        lines.settled_at,
        {{ converted('lines.amount', 'rates.rate') }} as amount,
        {{ converted('first_issue.amount', 'rates.rate') }} as first_amount,
        coalesce(first_issue.issues, 1) as issues
    from lines
    cross join workspace
    left join names on lines.platform = names.platform and lines.order_id = names.number
    left join orders on names._source = orders._source and names.shop_id = orders.shop_id and names.order_id = orders.order_id
    left join rates
        on
            lines.currency = rates.currency
            and rates.rated_on = coalesce(
                orders.sold_on,
                {{ business_date(
                    'coalesce(lines.settled_at, lines.observed_at)', 'workspace.timezone', 'workspace.day_starts_minutes'
                ) }}
            )
    left join first_issue
        on
            lines._source = first_issue._source
            and lines.platform = first_issue.platform
            and lines.statement_id = first_issue.statement_id
            and lines.line_id = first_issue.line_id
)

select * from final
