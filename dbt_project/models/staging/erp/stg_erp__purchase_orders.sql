{{ without_tombstones(ref('stg_erp__purchase_orders_all')) }}
