{{ without_tombstones(ref('stg_trade__controls_all')) }}
