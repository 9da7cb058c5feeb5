{{ without_tombstones(ref('stg_supplier__deliveries_all')) }}
