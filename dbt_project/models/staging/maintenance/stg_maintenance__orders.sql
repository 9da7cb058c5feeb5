{{ without_tombstones(ref('stg_maintenance__orders_all')) }}
