{{ without_tombstones(ref('stg_ecommerce__order_lines_all')) }}
