{{ without_tombstones(ref('stg_crm__members_all')) }}
