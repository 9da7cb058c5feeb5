{{ without_tombstones(ref('stg_erp__items_all')) }}
