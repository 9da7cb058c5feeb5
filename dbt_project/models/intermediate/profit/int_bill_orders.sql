{%- set kinds = ['commission', 'service_fee', 'influencer', 'promotion', 'insurance', 'subsidy', 'penalty'] -%}
{%- set kind_columns = [] -%}
{%- for kind in kinds %}{% do kind_columns.append(kind ~ '_amount') %}{% endfor -%}
{%- set expected_columns = [
    '_source', 'platform', 'statement_id', 'shop_id', 'order_id', 'is_known_order', 'channel_id', 'sold_on', 'due_on',
    'is_suspect', 'expected_income_amount', 'expected_subsidy_amount', 'expected_refund_amount'
] -%}
-- One row per order and statement that tells of it, as billed, with what was to be expected there; and one row without a
-- statement (-) per order with money that no bill has told of yet.
with

lines as (
    select
        *,
        coalesce(_source, '-') || ':' || coalesce(shop_id, platform) || ':' || order_id as whole_order
    from {{ ref('int_bill_lines') }}
),

expected as (
    select
        *,
        _source || ':' || shop_id || ':' || order_id as whole_order
    from {{ ref('int_order_expectations') }}
),

refunds as (
    select
        whole_order,
        statement_id,
        sum(amount) as amount,
        max(refunded_on) as refunded_on
    from {{ ref('int_expected_refunds') }}
    group by whole_order, statement_id
),

billed as (
    select
        whole_order,
        platform,
        statement_id,
        min(_source) as _source,
        min(shop_id) as shop_id,
        min(order_id) as order_id,
        bool_and(is_known_order) as is_known_order,
        max(settled_at) as settled_at,
        max(issues) as issues,
        {%- for kind in kinds %}
        sum(case when kind = '{{ kind }}' then amount else 0 end) as {{ kind }}_amount,
        {%- endfor %}
        sum(case when kind = 'income' and refund_id is null then amount else 0 end) as income_amount,
        sum(case when kind = 'income' and refund_id is not null then amount else 0 end) as refund_amount,
        sum(amount) as payout_amount,
        sum(first_amount) as first_payout_amount,
        -- An order's income is expected once, where a bill first tells of it.
        bool_or(kind = 'income' and refund_id is null) as has_income,
        row_number() over (
            partition by whole_order
            order by bool_or(kind = 'income' and refund_id is null) desc, max(settled_at), statement_id
        ) = 1 as is_first
    from lines
    group by whole_order, platform, statement_id
),

on_bills as (
    select
        billed.*,
        expected.channel_id,
        expected.sold_on,
        expected.due_on,
        expected.is_suspect,
        expected.fee_rate,
        case when billed.is_first and billed.has_income then expected.income_amount else 0 end as expected_income_amount,
        case when billed.is_first and billed.has_income then expected.subsidy_amount else 0 end as expected_subsidy_amount,
        coalesce(refunds.amount, 0) as expected_refund_amount
    from billed
    left join expected on billed.whole_order = expected.whole_order
    left join refunds on billed.whole_order = refunds.whole_order and billed.statement_id = refunds.statement_id
),

open_refunds as (
    select * from refunds
    where statement_id = '-'
),

unbilled as (
    select
        expected._source,
        expected.shop_id as platform,
        '-' as statement_id,
        expected.shop_id,
        expected.order_id,
        true as is_known_order,
        expected.channel_id,
        expected.sold_on,
        expected.is_suspect,
        cast(greatest(expected.due_on, coalesce(open_refunds.refunded_on + coalesce(expected.settlement_days, 30), expected.due_on)) as date)
            as due_on,
        case when billed.whole_order is null then expected.income_amount else 0 end as expected_income_amount,
        case when billed.whole_order is null then expected.subsidy_amount else 0 end as expected_subsidy_amount,
        coalesce(open_refunds.amount, 0) as expected_refund_amount
    from expected
    left join billed on expected.whole_order = billed.whole_order and billed.has_income and billed.is_first
    left join open_refunds on expected.whole_order = open_refunds.whole_order
    where
        not (expected.is_cancelled and expected.income_amount = 0)
        and (open_refunds.amount <> 0 or (billed.whole_order is null and expected.income_amount <> 0))
),

final as (
    {{- stacked({
        'on_bills': expected_columns + [
            'settled_at', 'issues', 'income_amount', 'refund_amount', 'payout_amount', 'first_payout_amount', 'fee_rate'
        ] + kind_columns,
        'unbilled': expected_columns
    }) }}
)

select * from final
