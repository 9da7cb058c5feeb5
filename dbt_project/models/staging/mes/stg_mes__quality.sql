{{ without_tombstones(ref('stg_mes__quality_all')) }}
