{{ current_version(
    stream='distributor.stock', key=['distributor_id', 'sku', 'lot_id', 'as_of'], version='observed_at',
    columns=[
        'distributor_id', 'sku', 'lot_id', 'as_of', 'on_hand_units', 'in_transit_units', 'expiry_on', 'evidence',
        'observed_at'
    ]
) }}
