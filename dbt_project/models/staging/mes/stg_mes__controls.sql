{{ without_tombstones(ref('stg_mes__controls_all')) }}
