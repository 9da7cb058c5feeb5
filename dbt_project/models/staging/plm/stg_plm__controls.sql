{{ without_tombstones(ref('stg_plm__controls_all')) }}
