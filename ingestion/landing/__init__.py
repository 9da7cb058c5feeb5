"""Landing: immutable Parquet files, and the ledger that says which of them count."""
