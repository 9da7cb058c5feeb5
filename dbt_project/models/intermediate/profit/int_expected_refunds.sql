-- One row per completed refund that the brand bears: what a bill should take off for it, below zero, and the statement
-- that does (- where none does yet).
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
        -{{ converted('refunds.amount', 'rates.rate') }} as amount
    from {{ ref('stg_ecommerce__refunds') }} as refunds
    left join {{ ref('int_currency_rates') }} as rates on refunds.currency = rates.currency
    cross join {{ ref('int_workspace') }} as workspace
    where
        refunds.refunded_at is not null
        and lower(coalesce(refunds.status, '')) not in ('rejected', 'cancelled', 'canceled')
        and coalesce(refunds.borne_by, 'brand') = 'brand'
        and refunds.amount <> 0
),

final as (
    select
        refunds.*,
        coalesce(told.statement_id, '-') as statement_id
    from refunds
    left join told on refunds.whole_order = told.whole_order and refunds.refund_id = told.refund_id
)

select * from final
