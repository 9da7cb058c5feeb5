{{ without_tombstones(ref('stg_reference__item_policy_all')) }}
