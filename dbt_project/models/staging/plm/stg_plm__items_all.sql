{{ current_version(
    stream='plm.items', key=['item_id', 'revision'], version='observed_at',
    columns=[
        'item_id', 'revision', 'sku', 'successor_sku', 'status', 'effective_from', 'specification',
        'observed_at'
    ]
) }}
