{{ config(tags=['pass_b']) }}

-- One row per customer, purpose and medium: whether they may be written to; who said no once to any club is not.
with

final as (
    select
        customer_id,
        purpose,
        medium,
        bool_and(is_granted) as is_granted,
        max(given_at) as answered_at,
        cast(count(*) as integer) as membership_count
    from {{ ref('int_member_consents') }}
    group by customer_id, purpose, medium
)

select * from final
