{{ without_tombstones(ref('stg_customers__identities_all')) }}
