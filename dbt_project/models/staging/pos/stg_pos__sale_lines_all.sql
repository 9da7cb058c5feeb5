{{ current_version(
    stream='pos.sale_lines', key=['sale_id', 'line_no'], version='observed_at',
    columns=[
        'sale_id', 'line_no', 'store_id', 'till_id', 'sold_at', 'sku', 'gtin', 'line_kind', 'units',
        'unit_price', 'gross_amount', 'discount_amount', 'net_amount', 'tax_amount', 'is_tax_inclusive',
        'currency', 'member_id_token', 'promotion_id', 'original_sale_id', 'platform_order_id', 'observed_at'
    ]
) }}
