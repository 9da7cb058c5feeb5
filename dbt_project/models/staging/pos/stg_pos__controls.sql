{{ without_tombstones(ref('stg_pos__controls_all')) }}
