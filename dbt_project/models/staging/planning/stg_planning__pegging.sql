{{ latest_run(
    stream='planning.pegging',
    columns=[
        'plan_id', 'supply_id', 'demand_id', 'units', 'depth', 'observed_at'
    ]
) }}
