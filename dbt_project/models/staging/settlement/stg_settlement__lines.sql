{{ without_tombstones(ref('stg_settlement__lines_all')) }}
