{{ without_tombstones(ref('stg_ecommerce__refunds_all')) }}
