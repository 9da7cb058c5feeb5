{{ current_version(
    stream='mes.consumption', key=['work_order_id', 'component_lot_id', 'output_lot_id'], version='observed_at',
    columns=[
        'work_order_id', 'component_lot_id', 'output_lot_id', 'component_sku', 'units', 'at', 'observed_at'
    ]
) }}
