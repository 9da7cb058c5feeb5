{{ current_version(
    stream='ecommerce.order_lines', key=['shop_id', 'order_id', 'line_no'], version='updated_at',
    columns=[
        'shop_id', 'order_id', 'line_no', 'parent_line_no', 'line_kind', 'listing_id', 'variant_id', 'sku',
        'units', 'list_amount', 'paid_amount', 'currency', 'tax_rate', 'is_tax_inclusive', 'promotion_id',
        'updated_at'
    ]
) }}
