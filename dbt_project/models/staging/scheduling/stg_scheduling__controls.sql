{{ without_tombstones(ref('stg_scheduling__controls_all')) }}
