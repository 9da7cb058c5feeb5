{{ without_tombstones(ref('stg_ecommerce__bundles_all')) }}
