{{ current_version(
    stream='ecommerce.listings', key=['shop_id', 'listing_id', 'variant_id'], version='updated_at',
    columns=[
        'shop_id', 'listing_id', 'variant_id', 'merchant_code', 'sku', 'title', 'gtin', 'list_price', 'currency',
        'is_active', 'updated_at'
    ]
) }}
