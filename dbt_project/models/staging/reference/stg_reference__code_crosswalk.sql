{{ without_tombstones(ref('stg_reference__code_crosswalk_all')) }}
