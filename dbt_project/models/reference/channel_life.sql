{{ reference('channel_life', {
    'channel_id': 'string', 'category': 'string', 'sku': 'string', 'reject_days': 'integer',
    'lockup_days': 'integer', 'warn_days': 'integer'
}) }}
