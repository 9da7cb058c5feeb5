{{ latest_run(
    stream='forecasting.scores',
    columns=[
        'run_id', 'series', 'level', 'class', 'step', 'horizon', 'metric', 'value', 'benchmark_value',
        'inputs_id', 'observed_at'
    ]
) }}
