{{ config(tags=['pass_b']) }}

-- One row per version of a segment that somebody saved.
with

final as (
    select
        segment_id,
        version,
        name,
        rule,
        author,
        "at" as saved_at
    from {{ ref('stg_customers__segments') }}
)

select * from final
