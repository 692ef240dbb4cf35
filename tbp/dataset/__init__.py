"""The store: results, sessions and operators of many machines in Parquet files, which DuckDB reads."""
