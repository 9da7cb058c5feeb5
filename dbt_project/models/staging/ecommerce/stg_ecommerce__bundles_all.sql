{{ current_version(
    stream='ecommerce.bundles',
    key=['shop_id', 'listing_id', 'variant_id', 'component_sku', 'valid_from'], version='observed_at',
    columns=[
        'shop_id', 'listing_id', 'variant_id', 'component_sku', 'valid_from', 'units', 'revenue_share_rate',
        'valid_to', 'observed_at'
    ]
) }}
