{{ without_tombstones(ref('stg_social__controls_all')) }}
