{{ reference('targets', {
    'version': 'string', 'metric': 'string', 'scope': 'string', 'period': 'string',
    'amount': 'decimal(18, 4)', 'owner': 'string'
}) }}
