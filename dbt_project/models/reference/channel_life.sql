{{ reference('channel_life', {
    'channel_id': 'varchar', 'category': 'varchar', 'sku': 'varchar', 'reject_days': 'integer',
    'lockup_days': 'integer', 'warn_days': 'integer'
}) }}
