{{ without_tombstones(ref('stg_customers__exports_all')) }}
