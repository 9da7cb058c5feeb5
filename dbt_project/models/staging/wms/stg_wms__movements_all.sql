{{ current_version(
    stream='wms.movements', key=['movement_id'], version='observed_at',
    columns=[
        'movement_id', 'location_id', 'sku', 'lot_id', 'kind', 'units', 'reference_kind', 'reference_id',
        'to_location_id', 'moved_at', 'observed_at'
    ]
) }}
