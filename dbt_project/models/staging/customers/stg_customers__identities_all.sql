{{ current_version(
    stream='customers.identities', key=['record_token', 'decided_at'], version='observed_at', is_learnt=true,
    columns=[
        'record_token', 'decided_at', 'customer_id', 'previous_customer_id', 'reason', 'observed_at'
    ]
) }}
