{{ current_version(
    stream='plm.bom', key=['parent_sku', 'component_sku', 'effective_from'], version='observed_at',
    columns=[
        'parent_sku', 'component_sku', 'effective_from', 'quantity_per', 'scrap_rate', 'effective_to',
        'alternate_group', 'priority', 'observed_at'
    ]
) }}
