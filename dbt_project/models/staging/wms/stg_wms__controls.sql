{{ without_tombstones(ref('stg_wms__controls_all')) }}
