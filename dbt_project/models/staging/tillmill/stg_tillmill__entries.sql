{{ without_tombstones(ref('stg_tillmill__entries_all')) }}
