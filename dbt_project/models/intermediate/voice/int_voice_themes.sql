-- One row per post and theme that it touches.
with

posts as (
    select * from {{ ref('int_voice_posts') }}
),

themes as (
    {% for theme in voice_themes() -%}
    select '{{ theme }}' as theme
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

final as (
    select
        posts.platform,
        posts.post_id,
        posts.posted_on,
        posts.sku,
        posts.category,
        themes.theme,
        posts.label
    from posts
    inner join themes on posts.themes like concat('%"', themes.theme, '"%')
)

select * from final
