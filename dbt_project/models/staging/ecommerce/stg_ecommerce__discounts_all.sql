{{ current_version(
    stream='ecommerce.discounts', key=['shop_id', 'order_id', 'line_no', 'seq'], version='observed_at',
    columns=[
        'shop_id', 'order_id', 'line_no', 'seq', 'kind', 'promotion_id', 'coupon_id', 'amount', 'currency',
        'borne_by', 'observed_at'
    ]
) }}
