{{ without_tombstones(ref('stg_live__sessions_all')) }}
