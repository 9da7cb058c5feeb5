{{ without_tombstones(ref('stg_maintenance__controls_all')) }}
