{{ current_version(
    stream='mes.routings', key=['sku', 'line_id'], version='observed_at',
    columns=[
        'sku', 'line_id', 'units_per_hour', 'ideal_units_per_hour', 'setup_minutes', 'setup_family',
        'min_run_units', 'observed_at'
    ]
) }}
