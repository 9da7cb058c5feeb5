{{ current_version(
    stream='tillmill.entries', key=['entry_id'], version='observed_at', is_learnt=true,
    columns=[
        'entry_id', 'form', 'row', 'old', 'new', 'author', 'approved_by', 'at', 'observed_at'
    ]
) }}
