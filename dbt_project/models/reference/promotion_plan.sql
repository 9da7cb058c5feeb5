{{ reference('promotion_plan', {
    'promotion_id': 'string', 'sku': 'string', 'channel_id': 'string', 'mechanic': 'string',
    'threshold': 'decimal(18, 4)', 'depth_rate': 'double', 'presale_from': 'date', 'starts_on': 'date',
    'ends_on': 'date', 'budget_amount': 'decimal(18, 4)', 'borne_by': 'string',
    'expected_units': 'decimal(18, 3)', 'status': 'string', 'owner': 'string'
}) }}
