{{ current_version(
    stream='reference.targets', key=['version', 'metric', 'scope', 'period'], version='observed_at',
    columns=[
        'version', 'metric', 'scope', 'period', 'amount', 'currency', 'owner', 'observed_at'
    ]
) }}
