{{ without_tombstones(ref('stg_customers__segments_all')) }}
