{{ current_version(
    stream='social.sentiment', key=['platform', 'post_id', 'model_version'], version='observed_at', is_learnt=true,
    columns=[
        'platform', 'post_id', 'model_version', 'score', 'label', 'language', 'themes', 'sku', 'observed_at'
    ]
) }}
