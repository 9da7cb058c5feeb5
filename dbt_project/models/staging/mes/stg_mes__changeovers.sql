{{ without_tombstones(ref('stg_mes__changeovers_all')) }}
