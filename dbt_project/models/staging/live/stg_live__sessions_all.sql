{{ current_version(
    stream='live.sessions', key=['platform', 'room_id'], version='observed_at',
    columns=[
        'platform', 'room_id', 'host_kind', 'author_id', 'started_at', 'ended_at', 'slot_fee_amount', 'currency',
        'commission_rate', 'observed_at'
    ]
) }}
