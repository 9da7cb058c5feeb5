{{ without_tombstones(ref('stg_crm__campaigns_all')) }}
