{{ current_version(
    stream='ecommerce.refunds', key=['shop_id', 'refund_id'], version='updated_at',
    columns=[
        'shop_id', 'refund_id', 'order_id', 'line_no', 'kind', 'status', 'borne_by', 'units', 'amount',
        'currency', 'reason', 'applied_at', 'refunded_at', 'goods_received_at', 'updated_at'
    ]
) }}
