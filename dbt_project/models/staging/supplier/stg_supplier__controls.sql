{{ without_tombstones(ref('stg_supplier__controls_all')) }}
