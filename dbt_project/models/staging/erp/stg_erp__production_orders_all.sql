{{ current_version(
    stream='erp.production_orders', key=['order_id'], version='updated_at',
    columns=[
        'order_id', 'sku', 'plant_id', 'ordered_units', 'due_on', 'status', 'updated_at'
    ]
) }}
