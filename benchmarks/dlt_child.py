"""The peer: dlt appends the same Parquet chunks to a local folder, in a venv of its own that has none of ours."""

import json
import os
import sys
import time
from pathlib import Path

import dlt
import pyarrow.parquet as pq

EMPTY_RUNS = 5


def main() -> None:
    """`python dlt_child.py FOLDER`: prints seconds of landing all chunks as Arrow tables (dlt's short way: written as
    they are), of a million of their rows as records (its usual way), and of a run that finds nothing."""
    folder = Path(sys.argv[1])
    os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}
    target = dlt.destinations.filesystem(bucket_url=(folder / "dlt").as_uri())
    pipeline = dlt.pipeline("bench", destination=target, dataset_name="lake", pipelines_dir=str(folder / "dlt-state"))
    reading = 0.0

    def rows():
        nonlocal reading
        for path in sorted(folder.glob("chunk*.parquet")):
            started = time.perf_counter()
            table = pq.read_table(path)
            reading += time.perf_counter() - started
            yield table

    started = time.perf_counter()
    pipeline.run(rows(), table_name="sale_lines", loader_file_format="parquet", write_disposition="append")
    seconds = time.perf_counter() - started - reading
    records = pq.read_table(min(folder.glob("chunk*.parquet"))).to_pylist()
    started = time.perf_counter()
    pipeline.run(records, table_name="records", loader_file_format="parquet", write_disposition="append")
    per_million = (time.perf_counter() - started) / len(records) * 1_000_000
    started = time.perf_counter()
    for _ in range(EMPTY_RUNS):
        pipeline.run(iter(()), table_name="sale_lines", loader_file_format="parquet", write_disposition="append")
    empty = (time.perf_counter() - started) / EMPTY_RUNS
    print(json.dumps({"seconds": seconds, "per_million_records": per_million, "empty_seconds": empty}))


if __name__ == "__main__":
    main()
