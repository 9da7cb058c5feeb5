{{ latest_run(
    stream='forecasting.demand',
    columns=[
        'run_id', 'sku', 'channel_id', 'location_id', 'freq', 'bucket_on', 'mean', 'q05', 'q10', 'q25', 'q50',
        'q75', 'q90', 'q95', 'parts', 'method', 'cutoff_on', 'observed_at'
    ]
) }}
