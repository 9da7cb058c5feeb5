{{ without_tombstones(ref('stg_ecommerce__traffic_all')) }}
