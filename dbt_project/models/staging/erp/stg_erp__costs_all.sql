{{ current_version(
    stream='erp.costs', key=['channel_id', 'shop_id', 'category', 'cost_kind', 'valid_from'], version='observed_at',
    columns=[
        'channel_id', 'shop_id', 'category', 'cost_kind', 'valid_from', 'rate', 'amount_per_order', 'currency',
        'observed_at'
    ]
) }}
