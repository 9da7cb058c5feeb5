{{ current_version(
    stream='settlement.lines', key=['platform', 'statement_id', 'line_id'], version='observed_at',
    columns=[
        'platform', 'statement_id', 'line_id', 'order_id', 'refund_id', 'kind', 'amount', 'currency', 'settled_at',
        'observed_at'
    ]
) }}
