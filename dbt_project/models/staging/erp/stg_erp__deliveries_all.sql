{{ current_version(
    stream='erp.deliveries', key=['delivery_id', 'line_no'], version='observed_at',
    columns=[
        'delivery_id', 'line_no', 'so_id', 'so_line_no', 'sku', 'lot_id', 'shipped_units', 'shipped_at',
        'received_units', 'received_at', 'observed_at'
    ]
) }}
