{{ without_tombstones(ref('stg_retail__controls_all')) }}
