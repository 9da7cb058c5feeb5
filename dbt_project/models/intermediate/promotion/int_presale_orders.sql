-- One row per presale order whose deposit was paid: what became of it, and its money in the workspace's currency, at the
-- rate of the deposit's day. Suspects, what a second system says again and shops that bring no revenue are out, as of sales.
with

orders as (
    select
        orders.*,
        lower(coalesce(orders.presale_state, '')) as state,
        counted.channel_id,
        -- Where nobody tells of the deposit's moment, it was paid when the order was placed.
        {{ business_date(
            'coalesce(orders.deposit_paid_at, orders.placed_at)', 'counted.timezone', 'counted.day_starts_minutes'
        ) }} as deposit_on
    from {{ ref('stg_ecommerce__orders') }} as orders
    inner join {{ ref('int_web_orders') }} as counted
        on orders._source = counted._source and orders.shop_id = counted.shop_id and orders.order_id = counted.order_id
    where
        orders.order_type = 'presale'
        and counted.is_revenue
        and coalesce(counted.not_counted_because, '-') not in ('seen twice', 'suspect')
),

promotions as (
    select
        _source,
        shop_id,
        order_id,
        promotion_id
    from {{ ref('stg_ecommerce__order_lines') }}
    where promotion_id is not null
    qualify row_number() over (partition by _source, shop_id, order_id order by line_no) = 1
),

refunds as (
    select
        _source,
        shop_id,
        order_id,
        sum(amount) as amount
    from {{ ref('stg_ecommerce__refunds') }}
    where lower(coalesce(status, '')) = 'completed'
    group by _source, shop_id, order_id
),

rates as (
    select * from {{ ref('int_currency_days') }}
),

told as (
    select
        orders._source,
        orders.shop_id,
        orders.order_id,
        orders.channel_id,
        coalesce(promotions.promotion_id, '-') as promotion_id,
        orders.deposit_on,
        case
            when orders.balance_paid_at is not null or orders.state = 'balance_paid' then 'balance_paid'
            when
                orders.cancelled_at is not null
                or lower(coalesce(orders.status, '')) in ('cancelled', 'canceled', 'closed')
                or orders.state = 'expired'
                then 'lapsed'
            else 'open'
        end as outcome,
        {{ converted('coalesce(orders.deposit_amount, 0)', 'rates.rate') }} as deposit_amount,
        {{ converted('greatest(coalesce(orders.total_amount, 0) - coalesce(orders.deposit_amount, 0), 0)', 'rates.rate') }} as balance_amount,
        {{ converted('least(coalesce(refunds.amount, 0), coalesce(orders.deposit_amount, 0))', 'rates.rate') }} as refunded_amount
    from orders
    left join promotions
        on orders._source = promotions._source and orders.shop_id = promotions.shop_id and orders.order_id = promotions.order_id
    left join refunds
        on orders._source = refunds._source and orders.shop_id = refunds.shop_id and orders.order_id = refunds.order_id
    left join rates on orders.currency = rates.currency and orders.deposit_on = rates.rated_on
    where orders.deposit_paid_at is not null or orders.balance_paid_at is not null or orders.state in ('deposit_paid', 'balance_paid')
),

final as (
    select
        told.* {{ but(['refunded_amount']) }},
        case when outcome = 'lapsed' then refunded_amount else 0 end as refunded_deposit_amount
    from told
)

select * from final
