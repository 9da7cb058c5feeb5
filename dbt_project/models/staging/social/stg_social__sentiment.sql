{{ without_tombstones(ref('stg_social__sentiment_all')) }}
