{{ current_version(
    stream='customers.profiles', key=['customer_id', 'as_of'], version='observed_at', is_learnt=true,
    columns=[
        'customer_id', 'as_of', 'recency_days', 'frequency', 'monetary_amount', 'expected_orders',
        'expected_value_amount', 'currency', 'alive_rate', 'segment', 'tags', 'observed_at'
    ]
) }}
