{{ without_tombstones(ref('stg_crm__consents_all')) }}
