{{ current_version(
    stream='customers.profiles', key=['customer_id', 'as_of'], version='observed_at', is_learnt=true,
    columns=[
        'customer_id', 'as_of', 'recency_days', 'frequency', 'monetary_amount', 'expected_orders',
        'expected_orders_low', 'expected_orders_high', 'expected_value_amount', 'expected_value_low_amount',
        'expected_value_high_amount', 'horizon_days', 'currency', 'alive_rate', 'segment', 'cohort_on',
        'next_category', 'next_category_rate', 'quiet_after_days', 'is_churn_alarm', 'tags', 'observed_at'
    ]
) }}
