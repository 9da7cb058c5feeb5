{{ reference('channels', {
    'channel_id': 'string', 'name': 'string', 'name_zh': 'string', 'kind': 'string',
    'country': 'string', 'is_revenue': 'boolean', 'position': 'integer'
}) }}
