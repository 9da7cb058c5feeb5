{{ current_version(
    stream='reference.promotion_plan', key=['promotion_id', 'sku', 'channel_id'], version='observed_at',
    columns=[
        'promotion_id', 'sku', 'channel_id', 'mechanic', 'threshold', 'depth_rate', 'presale_from', 'starts_on',
        'ends_on', 'budget_amount', 'currency', 'borne_by', 'expected_units', 'status', 'owner', 'observed_at'
    ]
) }}
