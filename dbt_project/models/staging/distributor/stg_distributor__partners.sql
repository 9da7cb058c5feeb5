{{ without_tombstones(ref('stg_distributor__partners_all')) }}
