{{ without_tombstones(ref('stg_reference__promotion_plan_all')) }}
