{{ current_version(
    stream='social.posts', key=['platform', 'post_id'], version='observed_at',
    columns=[
        'platform', 'post_id', 'author_token', 'posted_at', 'kind', 'text', 'language', 'rating', 'likes', 'shares',
        'replies', 'sku_hint', 'in_reply_to', 'observed_at'
    ]
) }}
