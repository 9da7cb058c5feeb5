{{ latest_run(
    stream='planning.requirements',
    columns=[
        'plan_id', 'sku', 'location_id', 'week_on', 'gross_units', 'on_hand_used_units', 'expired_units',
        'receipts_units', 'safety_stock_units', 'net_units', 'planned_receipt_units', 'release_on',
        'observed_at'
    ]
) }}
