{{ current_version(
    stream='tillmill.loads', key=['load_id'], version='observed_at', is_learnt=true,
    columns=[
        'load_id', 'stream', 'pulled', 'landed', 'quarantined', 'drift', 'started_at', 'ended_at', 'observed_at'
    ]
) }}
