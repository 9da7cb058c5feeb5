{{ without_tombstones(ref('stg_customers__profiles_all')) }}
