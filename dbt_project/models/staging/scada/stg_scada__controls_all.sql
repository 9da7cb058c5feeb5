{{ current_version(
    stream='scada.controls', key=['stream', 'period_on'], version='observed_at',
    columns=[
        'stream', 'period_on', 'rows', 'units', 'amount', 'currency', 'observed_at'
    ]
) }}
