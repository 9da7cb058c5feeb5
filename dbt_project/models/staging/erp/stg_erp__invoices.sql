{{ without_tombstones(ref('stg_erp__invoices_all')) }}
