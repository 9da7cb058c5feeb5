{{ without_tombstones(ref('stg_crm__touches_all')) }}
