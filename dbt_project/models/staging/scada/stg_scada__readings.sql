{{ without_tombstones(ref('stg_scada__readings_all')) }}
