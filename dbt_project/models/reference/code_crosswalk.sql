{{ reference('code_crosswalk', {
    'kind': 'varchar', 'old_code': 'varchar', 'valid_from': 'date', 'new_code': 'varchar',
    'valid_to': 'date'
}) }}
