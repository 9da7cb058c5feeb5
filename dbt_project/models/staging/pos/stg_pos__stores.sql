{{ without_tombstones(ref('stg_pos__stores_all')) }}
