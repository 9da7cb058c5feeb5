{{ current_version(
    stream='customers.exports', key=['export_id', 'customer_id'], version='observed_at', is_learnt=true,
    columns=[
        'export_id', 'customer_id', 'segment_id', 'purpose', 'medium', 'is_holdout', 'at', 'observed_at'
    ]
) }}
