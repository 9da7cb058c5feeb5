{{ current_version(
    stream='crm.coupons', key=['coupon_id'], version='updated_at',
    columns=[
        'coupon_id', 'member_id_token', 'campaign_id', 'shop_id', 'sku_scope', 'threshold_amount', 'currency',
        'borne_by', 'issued_at', 'redeemed_at', 'sale_id', 'order_id', 'status', 'updated_at'
    ]
) }}
