{{ without_tombstones(ref('stg_trade__placements_all')) }}
