{{ reference('festivals', {
    'festival_id': 'varchar', 'name': 'varchar', 'name_zh': 'varchar', 'country': 'varchar',
    'starts_on': 'date', 'ends_on': 'date'
}) }}
