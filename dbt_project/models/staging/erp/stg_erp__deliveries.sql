{{ without_tombstones(ref('stg_erp__deliveries_all')) }}
