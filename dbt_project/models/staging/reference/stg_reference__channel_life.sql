{{ without_tombstones(ref('stg_reference__channel_life_all')) }}
