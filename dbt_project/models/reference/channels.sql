{{ reference('channels', {
    'channel_id': 'varchar', 'name': 'varchar', 'name_zh': 'varchar', 'kind': 'varchar',
    'country': 'varchar', 'is_revenue': 'boolean', 'position': 'integer'
}) }}
