{{ without_tombstones(ref('stg_trade__promotions_all')) }}
