-- One row per completed refund that the brand bears: what a bill should take off for it, below zero, and the statement
-- that does (- where none does yet). Converted as the order's bill is, so that rates make no difference between them.
with

told as (
    select
        coalesce(_source, '-') || ':' || coalesce(shop_id, platform) || ':' || order_id as whole_order,
        refund_id,
        min(statement_id) as statement_id
    from {{ ref('int_bill_lines') }}
    where refund_id is not null
    group by _source, shop_id, platform, order_id, refund_id
),

refunds as (
    select
        refunds._source || ':' || refunds.shop_id || ':' || refunds.order_id as whole_order,
        refunds.refund_id,
        {{ business_date('refunds.refunded_at', 'workspace.timezone', 'workspace.day_starts_minutes') }} as refunded_on,
        orders.sold_on,
        refunds.amount,
        refunds.currency
    from {{ ref('stg_ecommerce__refunds') }} as refunds
    left join {{ ref('int_web_orders') }} as orders
        on refunds._source = orders._source and refunds.shop_id = orders.shop_id and refunds.order_id = orders.order_id
    cross join {{ ref('int_workspace') }} as workspace
    where
        refunds.refunded_at is not null
        and lower(coalesce(refunds.status, '')) not in ('rejected', 'cancelled', 'canceled')
        and coalesce(refunds.borne_by, 'brand') = 'brand'
        and refunds.amount <> 0
),

final as (
    select
        refunds.whole_order,
        refunds.refund_id,
        refunds.refunded_on,
        -{{ converted('refunds.amount', 'rates.rate') }} as amount,
        coalesce(told.statement_id, '-') as statement_id
    from refunds
    left join {{ ref('int_currency_days') }} as rates
        on refunds.currency = rates.currency and coalesce(refunds.sold_on, refunds.refunded_on) = rates.rated_on
    left join told on refunds.whole_order = told.whole_order and refunds.refund_id = told.refund_id
)

select * from final
