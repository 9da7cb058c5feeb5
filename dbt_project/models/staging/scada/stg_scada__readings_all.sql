{{ current_version(
    stream='scada.readings', key=['device_id', 'tag', 'read_at'], version='observed_at',
    columns=[
        'device_id', 'tag', 'read_at', 'value', 'text', 'unit', 'quality', 'counter_raw', 'counter_bits',
        'max_per_second', 'observed_at'
    ]
) }}
