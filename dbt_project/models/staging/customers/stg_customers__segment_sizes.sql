{{ without_tombstones(ref('stg_customers__segment_sizes_all')) }}
