{{ current_version(
    stream='erp.items', key=['sku'], version='updated_at',
    columns=[
        'sku', 'name', 'gtin', 'brand', 'category', 'subcategory', 'base_unit', 'standard_cost', 'list_price',
        'tax_rate', 'currency', 'shelf_life_days', 'storage', 'is_gift', 'is_bundle', 'launched_on',
        'retired_on', 'updated_at'
    ]
) }}
