{{ without_tombstones(ref('stg_scada__events_all')) }}
