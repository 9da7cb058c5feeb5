{{ reference('promotion_plan', {
    'promotion_id': 'varchar', 'sku': 'varchar', 'channel_id': 'varchar', 'mechanic': 'varchar',
    'threshold': 'decimal(18, 4)', 'depth_rate': 'double', 'presale_from': 'date', 'starts_on': 'date',
    'ends_on': 'date', 'budget_amount': 'decimal(18, 4)', 'borne_by': 'varchar',
    'expected_units': 'decimal(18, 3)', 'status': 'varchar', 'owner': 'varchar'
}) }}
