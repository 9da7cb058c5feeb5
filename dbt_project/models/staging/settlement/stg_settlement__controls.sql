{{ without_tombstones(ref('stg_settlement__controls_all')) }}
