{{ without_tombstones(ref('stg_tillmill__loads_all')) }}
