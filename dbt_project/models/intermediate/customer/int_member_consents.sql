-- One row per membership, purpose and medium: the latest answer given, with the customer it speaks for.
with

answers as (
    select
        *,
        {{ record_token('_source', 'member', 'member_id_token') }} as record_token
    from {{ ref('stg_crm__consents') }}
),

latest as (
    select * from answers
    qualify row_number() over (
        partition by record_token, purpose, medium order by given_at desc, visible_seq desc, _row desc
    ) = 1
),

final as (
    select
        identifiers.customer_id,
        latest.record_token,
        latest.purpose,
        latest.medium,
        latest.is_granted,
        latest.given_at,
        latest.evidence
    from latest
    inner join {{ ref('bridge_customer_identifier') }} as identifiers on latest.record_token = identifiers.record_token
)

select * from final
