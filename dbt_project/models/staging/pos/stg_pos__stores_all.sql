{{ current_version(
    stream='pos.stores', key=['store_id'], version='updated_at',
    columns=[
        'store_id', 'name', 'channel_id', 'region', 'city', 'format', 'retailer_id', 'opened_on', 'closed_on',
        'timezone', 'updated_at'
    ]
) }}
