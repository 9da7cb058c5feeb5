{{ without_tombstones(ref('stg_scheduling__acknowledgements_all')) }}
