{{ without_tombstones(ref('stg_customers__models_all')) }}
