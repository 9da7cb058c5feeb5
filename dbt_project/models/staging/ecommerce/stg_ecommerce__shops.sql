{{ without_tombstones(ref('stg_ecommerce__shops_all')) }}
