{{ current_version(
    stream='scheduling.acknowledgements', key=['bod_id', 'order_id', 'version'], version='observed_at',
    columns=[
        'bod_id', 'order_id', 'version', 'verdict', 'confirmed_units', 'confirmed_end_at', 'reason', 'received_at',
        'observed_at'
    ]
) }}
