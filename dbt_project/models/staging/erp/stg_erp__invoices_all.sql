{{ current_version(
    stream='erp.invoices', key=['invoice_id', 'line_no'], version='observed_at',
    columns=[
        'invoice_id', 'line_no', 'kind', 'reference_id', 'sku', 'units', 'net_amount', 'tax_rate', 'tax_amount',
        'currency', 'issued_on', 'observed_at'
    ]
) }}
