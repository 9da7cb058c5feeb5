{{ without_tombstones(ref('stg_distributor__stock_all')) }}
