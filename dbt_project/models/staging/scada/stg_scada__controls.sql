{{ without_tombstones(ref('stg_scada__controls_all')) }}
