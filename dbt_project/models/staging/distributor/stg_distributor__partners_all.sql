{{ current_version(
    stream='distributor.partners', key=['distributor_id'], version='observed_at',
    columns=[
        'distributor_id', 'parent_id', 'tier', 'territory', 'price_group', 'valid_from', 'valid_to', 'observed_at'
    ]
) }}
