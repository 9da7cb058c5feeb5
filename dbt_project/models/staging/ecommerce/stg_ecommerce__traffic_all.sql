{{ current_version(
    stream='ecommerce.traffic', key=['shop_id', 'listing_id', 'on', 'source'], version='observed_at',
    columns=[
        'shop_id', 'listing_id', 'on', 'source', 'visitors', 'views', 'cart_users', 'buyers', 'observed_at'
    ]
) }}
