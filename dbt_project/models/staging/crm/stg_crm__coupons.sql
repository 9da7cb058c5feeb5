{{ without_tombstones(ref('stg_crm__coupons_all')) }}
