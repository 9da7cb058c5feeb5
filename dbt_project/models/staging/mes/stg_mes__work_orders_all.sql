{{ current_version(
    stream='mes.work_orders', key=['work_order_id'], version='updated_at',
    columns=[
        'work_order_id', 'order_id', 'sku', 'plant_id', 'line_id', 'planned_units', 'planned_start_at',
        'planned_end_at', 'status', 'updated_at'
    ]
) }}
