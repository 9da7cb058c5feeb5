{{ config(tags=['pass_b']) }}
{%- set told = ['income', 'refund', 'subsidy', 'commission', 'service_fee', 'influencer', 'promotion', 'insurance', 'penalty'] -%}

-- One row per order and statement: what the order says, what the bill says, what is paid out; the difference by its kind.
with

orders as (
    select * from {{ ref('int_bill_orders') }}
),

workspace as (
    select * from {{ ref('int_workspace') }}
),

compared as (
    select
        orders.platform,
        coalesce(orders.shop_id, orders.platform) as shop_id,
        coalesce(orders.channel_id, '-') as channel_id,
        orders.order_id,
        orders.statement_id,
        orders._source,
        orders.is_known_order,
        coalesce(orders.is_suspect, false) as is_suspect,
        orders.sold_on,
        orders.due_on,
        orders.settled_at,
        coalesce(orders.issues, 0) as issues,
        {%- for kind in told %}
        cast(coalesce(orders.{{ kind }}_amount, 0) as decimal(18, 4)) as {{ kind }}_amount,
        {%- endfor %}
        cast(coalesce(orders.payout_amount, 0) as decimal(18, 4)) as payout_amount,
        cast(coalesce(orders.payout_amount - orders.first_payout_amount, 0) as decimal(18, 4)) as restated_amount,
        cast(coalesce(orders.expected_income_amount, 0) as decimal(18, 4)) as expected_income_amount,
        cast(coalesce(orders.expected_refund_amount, 0) as decimal(18, 4)) as expected_refund_amount,
        cast(coalesce(orders.expected_subsidy_amount, 0) as decimal(18, 4)) as expected_subsidy_amount,
        -- Fees are compared with the rates' share of the billed income, where there are rates.
        cast(
            coalesce(
                -{{ product('orders.income_amount', 'cast(orders.fee_rate as decimal(18, 12))') }},
                orders.commission_amount + orders.service_fee_amount, 0
            ) as decimal(18, 4)
        ) as expected_fee_amount,
        workspace.today_on
    from orders
    cross join workspace
),

measured as (
    select
        *,
        income_amount - expected_income_amount as income_difference,
        refund_amount - expected_refund_amount as refund_difference,
        subsidy_amount - expected_subsidy_amount as subsidy_difference,
        commission_amount + service_fee_amount - expected_fee_amount as fee_difference
    from compared
),

final as (
    select
        * {{ but(['today_on', 'is_known_order', 'income_difference', 'refund_difference', 'subsidy_difference', 'fee_difference']) }},
        cast(payout_amount - income_difference - refund_difference - subsidy_difference - fee_difference as decimal(18, 4))
            as expected_payout_amount,
        cast(income_difference + refund_difference + subsidy_difference + fee_difference as decimal(18, 4)) as difference_amount,
        case
            when not is_known_order then 'unknown order'
            when statement_id = '-' and due_on >= today_on then 'awaited'
            when statement_id = '-' then 'not billed'
            when abs(income_difference) > 0.005 then 'income'
            when abs(refund_difference) > 0.005 then 'refund'
            when abs(subsidy_difference) > 0.005 then 'subsidy'
            -- Two fees are rounded to the cent, each for itself.
            when abs(fee_difference) > 0.0101 then 'fee'
            when restated_amount <> 0 then 'restated'
            else 'agrees'
        end as difference_kind
    from measured
)

select * from final
