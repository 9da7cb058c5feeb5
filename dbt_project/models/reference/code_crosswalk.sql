{{ reference('code_crosswalk', {
    'kind': 'string', 'old_code': 'string', 'valid_from': 'date', 'new_code': 'string',
    'valid_to': 'date'
}) }}
