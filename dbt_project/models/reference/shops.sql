{{ reference('shops', {
    'shop_id': 'varchar', 'name': 'varchar', 'name_zh': 'varchar', 'platform': 'varchar',
    'operating_mode': 'varchar', 'channel_id': 'varchar', 'is_revenue': 'boolean',
    'settlement_days': 'integer', 'timezone': 'varchar'
}) }}
