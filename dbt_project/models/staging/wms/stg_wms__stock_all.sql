{{ current_version(
    stream='wms.stock', key=['location_id', 'sku', 'lot_id', 'quality', 'owner_id', 'as_of'], version='observed_at',
    columns=[
        'location_id', 'sku', 'lot_id', 'quality', 'owner_id', 'as_of', 'on_hand_units', 'reserved_units',
        'produced_on', 'expiry_on', 'observed_at'
    ]
) }}
