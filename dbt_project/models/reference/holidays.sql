{{ reference('holidays', {
    'country': 'string', 'holiday_on': 'date', 'name': 'string', 'name_zh': 'string',
    'is_off_day': 'boolean'
}) }}
