{{ current_version(
    stream='reference.channel_life', key=['channel_id', 'sku'], version='observed_at',
    columns=[
        'channel_id', 'sku', 'reject_days', 'lockup_days', 'warn_days', 'observed_at'
    ]
) }}
