{{ latest_run(
    stream='forecasting.history',
    columns=[
        'run_id', 'sku', 'channel_id', 'location_id', 'on', 'unconstrained_units', 'method', 'observed_at'
    ]
) }}
