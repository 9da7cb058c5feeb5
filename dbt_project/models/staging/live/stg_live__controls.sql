{{ without_tombstones(ref('stg_live__controls_all')) }}
