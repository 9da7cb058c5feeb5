{{ without_tombstones(ref('stg_ads__daily_all')) }}
