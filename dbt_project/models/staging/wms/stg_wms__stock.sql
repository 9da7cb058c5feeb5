{{ without_tombstones(ref('stg_wms__stock_all')) }}
