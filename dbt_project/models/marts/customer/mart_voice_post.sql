{{ config(tags=['pass_c']) }}

-- One row per post that was read: what it says, with phones and e-mails masked, and how it was read.
with

posts as (
    select * from {{ ref('int_voice_posts') }}
),

final as (
    select
        platform,
        post_id,
        posted_at,
        posted_on,
        kind,
        sku,
        category,
        language,
        score,
        label,
        themes,
        reach,
        text
    from posts
)

select * from final
