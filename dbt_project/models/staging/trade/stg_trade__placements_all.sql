{{ current_version(
    stream='trade.placements', key=['promotion_id', 'sku', 'store_id', 'week_on'], version='observed_at',
    columns=[
        'promotion_id', 'sku', 'store_id', 'week_on', 'display', 'mailer', 'observed_at'
    ]
) }}
