{{ current_version(
    stream='crm.touches', key=['touch_id'], version='updated_at',
    columns=[
        'touch_id', 'campaign_id', 'member_id_token', 'medium', 'sent_at', 'opened_at', 'clicked_at', 'is_holdout',
        'updated_at'
    ]
) }}
