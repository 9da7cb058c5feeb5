{{ current_version(
    stream='wms.locations', key=['location_id'], version='updated_at',
    columns=[
        'location_id', 'kind', 'plant_id', 'owner', 'region', 'timezone', 'updated_at'
    ]
) }}
