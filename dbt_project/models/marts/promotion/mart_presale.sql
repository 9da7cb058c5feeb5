{{ config(tags=['pass_b']) }}

-- One row per shop, promotion and day on which deposits were paid: what became of these orders since. By order and not by
-- SKU, because a deposit is paid on an order.
with

orders as (
    select * from {{ ref('int_presale_orders') }}
),

summed as (
    select
        shop_id,
        channel_id,
        promotion_id,
        deposit_on,
        count(*) as deposit_orders,
        {%- for outcome in ['balance_paid', 'open', 'lapsed'] %}
        count(*) filter (where outcome = '{{ outcome }}') as {{ outcome }}_orders,
        {%- endfor %}
        cast(coalesce(sum(deposit_amount), 0) as decimal(18, 4)) as deposit_amount,
        {%- for outcome in ['balance_paid', 'open', 'lapsed'] %}
        cast(coalesce(sum(balance_amount) filter (where outcome = '{{ outcome }}'), 0) as decimal(18, 4)) as {{ outcome }}_amount,
        {%- endfor %}
        cast(coalesce(sum(deposit_amount) filter (where outcome = 'lapsed'), 0) as decimal(18, 4)) as lapsed_deposit_amount,
        cast(coalesce(sum(refunded_deposit_amount), 0) as decimal(18, 4)) as refunded_deposit_amount
    from orders
    group by shop_id, channel_id, promotion_id, deposit_on
),

final as (
    select
        shop_id,
        channel_id,
        promotion_id,
        deposit_on,
        deposit_orders,
        balance_paid_orders,
        open_orders,
        lapsed_orders,
        round(cast(balance_paid_orders as double) / deposit_orders, 4) as balance_conversion_rate,
        deposit_amount,
        cast(deposit_amount + balance_paid_amount + open_amount + lapsed_amount as decimal(18, 4)) as presold_amount,
        balance_paid_amount,
        open_amount as open_balance_amount,
        lapsed_amount as lost_balance_amount,
        refunded_deposit_amount,
        cast(lapsed_deposit_amount - refunded_deposit_amount as decimal(18, 4)) as forfeited_deposit_amount
    from summed
)

select * from final
