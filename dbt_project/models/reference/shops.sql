{{ reference('shops', {
    'shop_id': 'string', 'name': 'string', 'name_zh': 'string', 'platform': 'string',
    'operating_mode': 'string', 'channel_id': 'string', 'is_revenue': 'boolean',
    'settlement_days': 'integer', 'timezone': 'string'
}) }}
