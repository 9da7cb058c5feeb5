{{ without_tombstones(ref('stg_erp__costs_all')) }}
