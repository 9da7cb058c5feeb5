{{ without_tombstones(ref('stg_plm__bom_all')) }}
