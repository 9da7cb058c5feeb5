{{ current_version(
    stream='mes.quality', key=['check_id'], version='updated_at',
    columns=[
        'check_id', 'work_order_id', 'lot_id', 'characteristic', 'subgroup', 'value', 'lower', 'upper', 'is_pass',
        'disposition', 'checked_at', 'updated_at'
    ]
) }}
