{{ current_version(
    stream='customers.segment_sizes', key=['segment_id', 'version', 'as_of'], version='observed_at', is_learnt=true,
    columns=[
        'segment_id', 'version', 'as_of', 'customers', 'monetary_amount', 'expected_value_amount', 'currency',
        'observed_at'
    ]
) }}
