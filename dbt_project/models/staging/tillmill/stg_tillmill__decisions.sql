{{ without_tombstones(ref('stg_tillmill__decisions_all')) }}
