{{ current_version(
    stream='crm.campaigns', key=['campaign_id'], version='updated_at',
    columns=[
        'campaign_id', 'name', 'kind', 'starts_on', 'ends_on', 'cost_amount', 'currency', 'updated_at'
    ]
) }}
