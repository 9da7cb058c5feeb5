{{ without_tombstones(ref('stg_distributor__movements_all')) }}
