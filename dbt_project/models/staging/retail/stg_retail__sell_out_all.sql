{{ current_version(
    stream='retail.sell_out', key=['retailer_id', 'store_code', 'sku', 'on'], version='updated_at',
    columns=[
        'retailer_id', 'store_code', 'sku', 'on', 'units', 'amount', 'currency', 'on_hand_units', 'is_listed',
        'updated_at'
    ]
) }}
