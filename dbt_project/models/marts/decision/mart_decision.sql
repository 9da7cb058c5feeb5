{{ config(tags=['pass_d']) }}

-- One row per decision: what it was expected to bring, and what it brought. What people state stands before what is
-- measured: of a promotion the margin of its measured SKUs, of an export what those on the list bought beyond those held out.
with

decisions as (
    select * from {{ ref('stg_tillmill__decisions') }}
),

workspace as (
    select * from {{ ref('int_workspace') }}
),

rates as (
    select * from {{ ref('int_currency_days') }}
),

measured as (
    select
        'promotion' as kind,
        promotion_id as subject,
        cast(sum(margin_amount) as decimal(18, 4)) as amount,
        max(ends_on) as measured_on
    from {{ ref('mart_promotion') }}
    where verdict <> 'not measurable'
    group by promotion_id
    union all
    select
        'activation' as kind,
        export_id as subject,
        -- What as many of the held-out people would have bought is taken off.
        {{ to_decimal('cast(exported_amount as double) - cast(held_out_amount as double) * exported_customers / held_out_customers', 4) }} as amount,
        cast(exported_at as date) + 28 as measured_on
    from {{ ref('mart_activation') }}
    where is_complete and held_out_customers > 0
),

dated as (
    select
        decisions.*,
        decisions.at as decided_at,
        {{ business_date('decisions.at', 'workspace.timezone', 'workspace.day_starts_minutes') }} as decided_on,
        {{ business_date('decisions.realised_at', 'workspace.timezone', 'workspace.day_starts_minutes') }} as stated_on,
        measured.amount as measured_amount,
        measured.measured_on
    from decisions
    cross join workspace
    left join measured on decisions.kind = measured.kind and decisions.subject = measured.subject
),

converted as (
    select
        dated.*,
        {{ converted('dated.expected_amount', 'then_rates.rate') }} as expected,
        case
            when dated.realised_amount is null then dated.measured_amount
            else {{ converted('dated.realised_amount', 'stated_rates.rate') }}
        end as realised,
        case when dated.realised_amount is null then 'measured' else 'stated' end as known_by
    from dated
    left join rates as then_rates on dated.currency = then_rates.currency and dated.decided_on = then_rates.rated_on
    left join rates as stated_rates on dated.currency = stated_rates.currency and dated.stated_on = stated_rates.rated_on
),

final as (
    select
        decision_id,
        kind,
        subject,
        author,
        decided_at,
        decided_on,
        expected as expected_amount,
        basis,
        realised as realised_amount,
        case when realised is not null then coalesce(stated_on, measured_on) end as realised_on,
        case when realised is not null then known_by end as realised_by,
        cast(realised - expected as decimal(18, 4)) as deviation_amount
    from converted
)

select * from final
