{{ current_version(
    stream='reference.code_crosswalk', key=['kind', 'old_code', 'valid_from'], version='observed_at',
    columns=[
        'kind', 'old_code', 'valid_from', 'new_code', 'valid_to', 'observed_at'
    ]
) }}
