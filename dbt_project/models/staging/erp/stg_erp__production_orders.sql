{{ without_tombstones(ref('stg_erp__production_orders_all')) }}
