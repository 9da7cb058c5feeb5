{{ without_tombstones(ref('stg_mes__consumption_all')) }}
