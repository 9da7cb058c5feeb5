{{ without_tombstones(ref('stg_mes__routings_all')) }}
