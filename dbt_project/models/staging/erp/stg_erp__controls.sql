{{ without_tombstones(ref('stg_erp__controls_all')) }}
