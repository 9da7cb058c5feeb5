{{ config(tags=['pass_d']) }}

-- One row per version of a segment and business date of a published version: how many it held, and what they are worth.
with

final as (
    select
        segment_id,
        version,
        as_of,
        customers,
        monetary_amount,
        expected_value_amount
    from {{ ref('stg_customers__segment_sizes') }}
)

select * from final
