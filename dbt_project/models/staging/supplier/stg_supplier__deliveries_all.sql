{{ current_version(
    stream='supplier.deliveries', key=['delivery_id', 'line_no'], version='updated_at',
    columns=[
        'delivery_id', 'line_no', 'po_id', 'supplier_id', 'sku', 'units', 'eta_on', 'received_at', 'updated_at'
    ]
) }}
