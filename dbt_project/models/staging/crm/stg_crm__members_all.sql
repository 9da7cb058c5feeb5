{{ current_version(
    stream='crm.members', key=['member_id_token'], version='updated_at',
    columns=[
        'member_id_token', 'name_token', 'phone_token', 'email_token', 'union_id_token', 'wecom_id_token',
        'birth_year', 'gender', 'city', 'tier', 'source', 'joined_at', 'status', 'updated_at'
    ]
) }}
