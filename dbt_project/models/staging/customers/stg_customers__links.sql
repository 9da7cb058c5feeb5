{{ without_tombstones(ref('stg_customers__links_all')) }}
