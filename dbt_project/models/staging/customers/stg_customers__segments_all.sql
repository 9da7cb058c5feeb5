{{ current_version(
    stream='customers.segments', key=['segment_id', 'version'], version='observed_at', is_learnt=true,
    columns=[
        'segment_id', 'version', 'name', 'rule', 'author', 'at', 'observed_at'
    ]
) }}
