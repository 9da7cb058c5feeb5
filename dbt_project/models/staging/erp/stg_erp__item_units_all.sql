{{ current_version(
    stream='erp.item_units', key=['sku', 'unit'], version='observed_at',
    columns=[
        'sku', 'unit', 'base_units', 'gtin', 'weight_kg', 'volume_m3', 'pallet_units', 'observed_at'
    ]
) }}
