{{ reference('festivals', {
    'festival_id': 'string', 'name': 'string', 'name_zh': 'string', 'country': 'string',
    'starts_on': 'date', 'ends_on': 'date'
}) }}
