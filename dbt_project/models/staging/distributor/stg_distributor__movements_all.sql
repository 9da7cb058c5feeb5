{{ current_version(
    stream='distributor.movements', key=['entry_id'], version='observed_at',
    columns=[
        'entry_id', 'distributor_id', 'sku', 'lot_id', 'kind', 'units', 'outlet_id', 'at', 'observed_at'
    ]
) }}
