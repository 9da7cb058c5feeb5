{{ without_tombstones(ref('stg_plm__items_all')) }}
