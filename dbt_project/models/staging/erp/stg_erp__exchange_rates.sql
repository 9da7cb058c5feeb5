{{ without_tombstones(ref('stg_erp__exchange_rates_all')) }}
