{{ config(tags=['pass_b']) }}

-- What the statements of a platform add up to as they stand is what mart_settlement pays out, to the last digit.
with

billed as (
    select
        platform,
        sum(amount) as amount
    from {{ ref('int_bill_lines') }}
    group by platform
),

paid as (
    select
        platform,
        sum(payout_amount) as amount
    from {{ ref('mart_settlement') }}
    group by platform
)

select
    billed.*,
    paid.amount as paid_amount
from billed
left join paid on billed.platform = paid.platform
where billed.amount <> coalesce(paid.amount, 0)
