{{ reference('regions', {
    'region': 'string', 'name': 'string', 'name_zh': 'string', 'country': 'string'
}) }}
