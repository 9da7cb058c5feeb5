{{ without_tombstones(ref('stg_ads__controls_all')) }}
