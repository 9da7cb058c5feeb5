{{ latest_run(
    stream='planning.schedule_orders',
    columns=[
        'plan_id', 'order_id', 'version', 'sku', 'line_id', 'start_at', 'end_at', 'units', 'priority', 'state',
        'observed_at'
    ]
) }}
