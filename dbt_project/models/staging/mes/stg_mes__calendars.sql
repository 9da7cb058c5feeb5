{{ without_tombstones(ref('stg_mes__calendars_all')) }}
