{{ current_version(
    stream='maintenance.orders', key=['mwo_id'], version='updated_at',
    columns=[
        'mwo_id', 'asset_id', 'line_id', 'trigger_event_id', 'opened_at', 'acknowledged_at', 'closed_at', 'cause',
        'parts_amount', 'currency', 'updated_at'
    ]
) }}
