{{ current_version(
    stream='crm.consents', key=['member_id_token', 'purpose', 'medium', 'given_at'], version='observed_at',
    columns=[
        'member_id_token', 'purpose', 'medium', 'given_at', 'is_granted', 'evidence', 'observed_at'
    ]
) }}
