{{ config(tags=['pass_b']) }}

-- One row per record of a person: whose it is, by the latest decision about it.
with

records as (
    select * from {{ ref('int_identity_records') }}
),

identities as (
    select * from {{ ref('stg_customers__identities') }}
    qualify row_number() over (partition by record_token order by decided_at desc, visible_seq desc, _row desc) = 1
),

final as (
    select
        records.record_token,
        identities.customer_id,
        records._source,
        records.kind,
        records.seen_on
    from records
    inner join identities on records.record_token = identities.record_token
)

select * from final
