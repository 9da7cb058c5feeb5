{{ current_version(
    stream='customers.models', key=['model_version'], version='observed_at', is_learnt=true,
    columns=[
        'model_version', 'records', 'parameters', 'observed_at'
    ]
) }}
