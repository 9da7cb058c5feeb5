{{ reference('item_policy', {
    'category': 'string', 'sku': 'string', 'location_id': 'string', 'service_level': 'double',
    'lead_time_days': 'integer', 'lot_min_units': 'decimal(18, 3)', 'lot_multiple_units': 'decimal(18, 3)',
    'lot_max_units': 'decimal(18, 3)', 'scrap_rate': 'double', 'frozen_days': 'integer',
    'slushy_days': 'integer', 'safety_stock_units': 'decimal(18, 3)', 'holding_cost_rate': 'double',
    'backorder_cost_rate': 'double'
}) }}
