{{ current_version(
    stream='mes.changeovers', key=['line_id', 'from_family', 'to_family'], version='observed_at',
    columns=[
        'line_id', 'from_family', 'to_family', 'minutes', 'observed_at'
    ]
) }}
