{{ without_tombstones(ref('stg_erp__item_units_all')) }}
