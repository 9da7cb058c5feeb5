{{ current_version(
    stream='scada.events', key=['device_id', 'event_id'], version='updated_at',
    columns=[
        'device_id', 'event_id', 'line_id', 'kind', 'severity', 'message', 'started_at', 'acknowledged_at',
        'ended_at', 'updated_at'
    ]
) }}
