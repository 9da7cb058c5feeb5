{{ reference('currencies', {
    'currency': 'varchar', 'name': 'varchar', 'name_zh': 'varchar', 'symbol': 'varchar',
    'decimals': 'integer', 'rate_to_workspace': 'double'
}) }}
