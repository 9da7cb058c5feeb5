{{ reference('targets', {
    'version': 'varchar', 'metric': 'varchar', 'scope': 'varchar', 'period': 'varchar',
    'amount': 'decimal(18, 4)', 'owner': 'varchar'
}) }}
