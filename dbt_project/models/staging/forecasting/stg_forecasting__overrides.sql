{{ without_tombstones(ref('stg_forecasting__overrides_all')) }}
