{{ without_tombstones(ref('stg_mes__work_orders_all')) }}
