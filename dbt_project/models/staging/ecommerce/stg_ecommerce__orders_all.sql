{{ current_version(
    stream='ecommerce.orders', key=['shop_id', 'order_id'], version='updated_at',
    columns=[
        'shop_id', 'order_id', 'platform_order_id', 'order_type', 'placed_at', 'paid_at', 'completed_at',
        'cancelled_at', 'status', 'buyer_shop_uid_token', 'buyer_brand_uid_token', 'buyer_phone_token',
        'is_virtual_phone', 'buyer_email_token', 'buyer_open_id_token', 'buyer_name_token', 'ship_region',
        'ship_address_token', 'ship_from_location_id', 'author_id', 'room_id', 'deposit_amount',
        'deposit_paid_at', 'balance_paid_at', 'presale_state', 'shipping_amount', 'total_amount', 'currency',
        'is_suspect', 'suspect_rule', 'updated_at'
    ]
) }}
