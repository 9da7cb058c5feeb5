{{ without_tombstones(ref('stg_wms__movements_all')) }}
