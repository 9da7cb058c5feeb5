{{ current_version(
    stream='ads.daily', key=['platform', 'campaign_id', 'on'], version='observed_at',
    columns=[
        'platform', 'campaign_id', 'on', 'shop_id', 'sku_scope', 'cash_amount', 'impressions', 'clicks',
        'attributed_orders', 'attributed_amount', 'currency', 'window_days', 'observed_at'
    ]
) }}
