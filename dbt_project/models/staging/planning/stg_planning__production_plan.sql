{{ latest_run(
    stream='planning.production_plan',
    columns=[
        'plan_id', 'sku', 'line_id', 'week_on', 'units', 'setups', 'run_minutes', 'setup_minutes',
        'overtime_minutes', 'backorder_units', 'safety_short_units', 'zone', 'observed_at'
    ]
) }}
