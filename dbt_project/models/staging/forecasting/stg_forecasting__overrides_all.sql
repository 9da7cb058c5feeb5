{{ current_version(
    stream='forecasting.overrides', key=['override_id'], version='observed_at', is_learnt=true,
    columns=[
        'override_id', 'scope', 'from_on', 'to_on', 'old', 'new', 'reason_code', 'note', 'author', 'approved_by',
        'expires_at', 'observed_at'
    ]
) }}
