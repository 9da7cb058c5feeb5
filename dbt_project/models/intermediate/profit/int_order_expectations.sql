-- One row per web order: what its platform's bill should say of it, and from which day on it should have said it.
with

orders as (
    select * from {{ ref('stg_ecommerce__orders') }}
),

known as (
    select * from {{ ref('int_web_orders') }}
),

shops as (
    select * from {{ ref('shops') }}
),

rates as (
    select * from {{ ref('int_currency_days') }}
),

lines as (
    select
        _source,
        shop_id,
        order_id,
        sum(paid_amount) as paid_amount
    from {{ ref('stg_ecommerce__order_lines') }}
    group by _source, shop_id, order_id
),

subsidies as (
    select
        _source,
        shop_id,
        order_id,
        sum(amount) as amount
    from {{ ref('stg_ecommerce__discounts') }}
    where borne_by = 'platform'
    group by _source, shop_id, order_id
),

-- The rates' share of what was sold; of an order that counts in no figure no fee is expected, and none compared.
fees as (
    select
        _source,
        shop_id,
        order_id,
        cast(sum(expected_platform_fee_amount) as double) / nullif(sum(net_sales_amount), 0) as fee_rate
    from {{ ref('int_web_costs') }}
    group by _source, shop_id, order_id
),

judged as (
    select
        orders._source,
        orders.shop_id,
        orders.order_id,
        orders.cancelled_at is not null or lower(coalesce(orders.status, '')) in ('cancelled', 'canceled', 'closed') as is_cancelled,
        case when orders.order_type = 'presale' then orders.balance_paid_at else orders.paid_at end is not null as is_paid,
        coalesce(orders.total_amount, lines.paid_amount, 0) as total_amount,
        -- The deposit of a presale whose balance never came stays with the shop.
        case when orders.deposit_paid_at is not null then coalesce(orders.deposit_amount, 0) else 0 end as deposit_amount,
        coalesce(subsidies.amount, 0) as subsidy_amount,
        orders.currency
    from orders
    left join lines
        on orders._source = lines._source and orders.shop_id = lines.shop_id and orders.order_id = lines.order_id
    left join subsidies
        on orders._source = subsidies._source and orders.shop_id = subsidies.shop_id and orders.order_id = subsidies.order_id
),

final as (
    select
        judged._source,
        judged.shop_id,
        judged.order_id,
        known.channel_id,
        known.is_suspect,
        judged.is_cancelled,
        known.sold_on,
        cast(known.sold_on + coalesce(shops.settlement_days, 30) as date) as due_on,
        {{ converted("case when not judged.is_cancelled and judged.is_paid then judged.total_amount
            when judged.is_cancelled and not judged.is_paid then judged.deposit_amount else 0 end", 'rates.rate') }} as income_amount,
        {{ converted('case when not judged.is_cancelled and judged.is_paid then judged.subsidy_amount else 0 end', 'rates.rate') }}
            as subsidy_amount,
        fees.fee_rate,
        shops.settlement_days
    from judged
    inner join known
        on judged._source = known._source and judged.shop_id = known.shop_id and judged.order_id = known.order_id
    left join rates on judged.currency = rates.currency and known.sold_on = rates.rated_on
    left join shops on judged.shop_id = shops.shop_id
    left join fees
        on judged._source = fees._source and judged.shop_id = fees.shop_id and judged.order_id = fees.order_id
    where coalesce(known.not_counted_because, '-') <> 'seen twice'
)

select * from final
