{{ without_tombstones(ref('stg_crm__controls_all')) }}
