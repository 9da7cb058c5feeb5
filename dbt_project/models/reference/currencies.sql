{{ reference('currencies', {
    'currency': 'string', 'name': 'string', 'name_zh': 'string', 'symbol': 'string',
    'decimals': 'integer', 'rate_to_workspace': 'double'
}) }}
