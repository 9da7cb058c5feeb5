{{ current_version(
    stream='reference.item_policy', key=['sku', 'location_id'], version='observed_at',
    columns=[
        'sku', 'location_id', 'service_level', 'lead_time_days', 'lot_min_units', 'lot_multiple_units',
        'lot_max_units', 'shelf_life_days', 'scrap_rate', 'frozen_days', 'slushy_days', 'safety_stock_units',
        'holding_cost', 'backorder_cost', 'currency', 'observed_at'
    ]
) }}
