{{ without_tombstones(ref('stg_crm__points_all')) }}
