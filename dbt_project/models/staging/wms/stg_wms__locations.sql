{{ without_tombstones(ref('stg_wms__locations_all')) }}
