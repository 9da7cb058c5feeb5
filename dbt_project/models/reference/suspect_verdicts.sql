{{ reference('suspect_verdicts', {
    'shop_id': 'string', 'order_id': 'string', 'verdict': 'string', 'decided_on': 'date', 'author': 'string',
    'reason': 'string'
}) }}
