{{ current_version(
    stream='crm.points', key=['entry_id'], version='observed_at',
    columns=[
        'entry_id', 'member_id_token', 'at', 'points', 'expires_on', 'unit_cost', 'currency', 'reason', 'sale_id',
        'observed_at'
    ]
) }}
