{{ current_version(
    stream='erp.purchase_orders', key=['po_id', 'line_no'], version='updated_at',
    columns=[
        'po_id', 'line_no', 'supplier_id', 'sku', 'location_id', 'ordered_units', 'due_on', 'received_units',
        'status', 'updated_at'
    ]
) }}
