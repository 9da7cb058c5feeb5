{{ reference('regions', {
    'region': 'varchar', 'name': 'varchar', 'name_zh': 'varchar', 'country': 'varchar'
}) }}
