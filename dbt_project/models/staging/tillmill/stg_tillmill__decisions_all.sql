{{ current_version(
    stream='tillmill.decisions', key=['decision_id'], version='observed_at', is_learnt=true,
    columns=[
        'decision_id', 'kind', 'subject', 'author', 'at', 'expected_amount', 'basis', 'realised_amount', 'currency',
        'realised_at', 'observed_at'
    ]
) }}
