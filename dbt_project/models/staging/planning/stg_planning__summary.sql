{{ latest_run(
    stream='planning.summary',
    columns=[
        'plan_id', 'total_cost', 'bound', 'gap_rate', 'fill_rate', 'backorder_units', 'nervousness', 'parts',
        'observed_at'
    ]
) }}
