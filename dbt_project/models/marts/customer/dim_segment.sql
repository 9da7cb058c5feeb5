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
        saved.at as saved_at
    from {{ ref('stg_customers__segments') }} as saved
)

select * from final
