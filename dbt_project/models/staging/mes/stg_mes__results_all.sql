{{ current_version(
    stream='mes.results', key=['result_id'], version='updated_at',
    columns=[
        'result_id', 'work_order_id', 'line_id', 'shift_id', 'sku', 'lot_id', 'good_units', 'scrap_units',
        'rework_units', 'scrap_reason', 'started_at', 'ended_at', 'updated_at'
    ]
) }}
