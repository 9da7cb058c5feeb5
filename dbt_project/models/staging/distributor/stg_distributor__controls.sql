{{ without_tombstones(ref('stg_distributor__controls_all')) }}
