{{ without_tombstones(ref('stg_ecommerce__discounts_all')) }}
