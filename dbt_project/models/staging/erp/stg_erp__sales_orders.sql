{{ without_tombstones(ref('stg_erp__sales_orders_all')) }}
