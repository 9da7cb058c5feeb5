{{ latest_run(
    stream='planning.exceptions',
    columns=[
        'plan_id', 'exception_id', 'kind', 'object_id', 'old', 'new', 'amount', 'pegged_demand_ids', 'message',
        'observed_at'
    ]
) }}
