{{ reference('holidays', {
    'country': 'varchar', 'holiday_on': 'date', 'name': 'varchar', 'name_zh': 'varchar',
    'is_off_day': 'boolean'
}) }}
