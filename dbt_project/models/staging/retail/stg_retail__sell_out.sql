{{ without_tombstones(ref('stg_retail__sell_out_all')) }}
