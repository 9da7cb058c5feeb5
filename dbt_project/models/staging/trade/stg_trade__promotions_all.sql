{{ current_version(
    stream='trade.promotions', key=['promotion_id'], version='updated_at',
    columns=[
        'promotion_id', 'kind', 'mechanic', 'starts_on', 'ends_on', 'depth_rate', 'media_amount', 'currency',
        'updated_at'
    ]
) }}
