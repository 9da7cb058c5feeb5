{{ without_tombstones(ref('stg_ecommerce__controls_all')) }}
