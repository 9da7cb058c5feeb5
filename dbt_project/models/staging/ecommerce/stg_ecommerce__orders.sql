{{ without_tombstones(ref('stg_ecommerce__orders_all')) }}
