{{ current_version(
    stream='mes.calendars', key=['line_id', 'starts_at'], version='observed_at',
    columns=[
        'line_id', 'starts_at', 'ends_at', 'available_minutes', 'reason', 'observed_at'
    ]
) }}
