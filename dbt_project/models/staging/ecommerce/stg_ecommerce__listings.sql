{{ without_tombstones(ref('stg_ecommerce__listings_all')) }}
