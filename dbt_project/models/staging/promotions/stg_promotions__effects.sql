{{ latest_run(
    stream='promotions.effects',
    columns=[
        'run_id', 'promotion_id', 'sku', 'channel_id', 'method', 'kind', 'starts_on', 'ends_on',
        'treated_stores', 'treated_units', 'baseline_units', 'incremental_units', 'low_units', 'high_units',
        'lift_rate', 'p_placebo', 'minimum_detectable_lift_rate', 'donor_stores', 'pre_weeks', 'margin_amount',
        'currency', 'roi', 'verdict', 'why', 'observed_at'
    ]
) }}
