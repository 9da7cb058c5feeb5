{{ current_version(
    stream='erp.sales_orders', key=['so_id', 'line_no'], version='updated_at',
    columns=[
        'so_id', 'line_no', 'trade_account_id', 'channel_id', 'sku', 'ordered_units', 'price_amount', 'currency',
        'requested_on', 'promised_on', 'shipped_units', 'status', 'updated_at'
    ]
) }}
