{{ current_version(
    stream='ecommerce.shops', key=['shop_id'], version='updated_at',
    columns=[
        'shop_id', 'platform', 'operating_mode', 'channel_id', 'is_revenue', 'settlement_days', 'updated_at'
    ]
) }}
