{{ latest_run(
    stream='planning.transfers',
    columns=[
        'plan_id', 'transfer_id', 'sku', 'from_location_id', 'to_location_id', 'units', 'ship_on', 'reason',
        'observed_at'
    ]
) }}
