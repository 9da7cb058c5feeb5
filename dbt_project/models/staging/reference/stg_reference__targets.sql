{{ without_tombstones(ref('stg_reference__targets_all')) }}
