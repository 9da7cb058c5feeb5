{{ current_version(
    stream='ecommerce.shipments', key=['shipment_id', 'line_no'], version='updated_at',
    columns=[
        'shipment_id', 'line_no', 'order_id', 'sku', 'lot_id', 'units', 'location_id', 'carrier', 'shipped_at',
        'delivered_at', 'freight_amount', 'currency', 'updated_at'
    ]
) }}
