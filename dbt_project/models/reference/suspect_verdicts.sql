{{ reference('suspect_verdicts', {
    'shop_id': 'varchar', 'order_id': 'varchar', 'verdict': 'varchar', 'decided_on': 'date', 'author': 'varchar',
    'reason': 'varchar'
}) }}
