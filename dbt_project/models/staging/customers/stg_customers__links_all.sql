{{ current_version(
    stream='customers.links', key=['left_record', 'right_record', 'rule', 'model_version'], version='observed_at', is_learnt=true,
    columns=[
        'left_record', 'right_record', 'rule', 'model_version', 'verdict', 'weight', 'evidence', 'at',
        'observed_at'
    ]
) }}
