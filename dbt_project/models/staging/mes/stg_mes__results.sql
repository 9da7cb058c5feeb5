{{ without_tombstones(ref('stg_mes__results_all')) }}
