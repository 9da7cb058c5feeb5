{{ without_tombstones(ref('stg_ecommerce__shipments_all')) }}
