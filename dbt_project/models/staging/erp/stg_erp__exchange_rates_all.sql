{{ current_version(
    stream='erp.exchange_rates', key=['currency', 'on'], version='observed_at',
    columns=[
        'currency', 'on', 'rate', 'observed_at'
    ]
) }}
