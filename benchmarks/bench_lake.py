"""What a stream of 1,000 small files costs to read, before and after `tillmill lake compact`."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import duckdb
import polars as pl

from benchmarks.ingest_child import land_page
from benchmarks.ingest_rows import CONTRACT, PAGE_ROWS, page, stream
from benchmarks.report import Figure, report
from ingestion.landing.ledger import Ledger
from ingestion.landing.locks import run_lock, stream_lock
from ingestion.prepare import prepare
from ingestion.privacy.tokens import create_keys, load_keys
from tillmill import upkeep
from tillmill.workspace import SETTINGS_FILE, Workspace, open_workspace

COMMAND = "make bench-lake"
FILES = 1_000
ROUNDS = 5
# What the dbt macro `landed` asks: each file once, and of its rows those of the loads that are new.
QUERY = """
select count(*), sum(net_amount), max(visible_seq)
from read_parquet($files, union_by_name = true, hive_partitioning = false) as rows_landed
inner join (
    select load_id, visible_seq from read_parquet($manifest) where visible_seq > $read
) as loads on rows_landed._load_id = loads.load_id
"""


def main() -> None:
    """Lands the files, reads all of them and the last one alone, compacts, reads again, and reports ratios."""
    with tempfile.TemporaryDirectory(prefix="bench-lake-") as name:
        workspace = _workspace(Path(name) / "lake")
        with Ledger(workspace.ledger) as ledger:
            _land(workspace, ledger)
            before = _read(workspace, ledger)
            peak = _peak()
            seconds = _seconds(lambda: _compact(workspace, ledger))
            peak_after = _peak()
            after = _read(workspace, ledger)
    figures = [
        Figure(f"{what}, {rows:,} rows of {FILES:,} loads", new / old, "× small files", "lower", peer, 1.0, COMMAND)
        for what, rows, old, new, peer in (
            ("all read", PAGE_ROWS, before[0], after[0], f"small files, {before[0] * 1000:,.0f} ms"),
            ("the last load read", PAGE_ROWS // FILES, before[1], after[1], f"small file, {before[1] * 1000:,.1f} ms"),
        )
    ]
    figures += [
        Figure("all read, merged", after[0] * 1000, "ms", "lower", "small files", before[0] * 1000, COMMAND),
        Figure("the last load read, merged", after[1] * 1000, "ms", "lower", "small file", before[1] * 1000, COMMAND),
        Figure("size on disk", after[2] / before[2], "× small files", "lower", "small files", 1.0, COMMAND),
        Figure("compaction", seconds, "s", "lower", f"{FILES:,} files", 0.0, COMMAND),
        Figure("peak memory", peak_after, "MiB", "lower", "before compaction", peak, COMMAND),
    ]
    report("lake", figures)


def _land(workspace: Workspace, ledger: Ledger) -> None:
    rows = prepare(stream(1), page(0), load_keys(workspace)).good
    size = PAGE_ROWS // FILES
    with stream_lock(workspace, "bench", CONTRACT.name):
        for number in range(FILES):
            few = rows[number * size : (number + 1) * size]
            land_page(workspace, ledger, few, number)


def _compact(workspace: Workspace, ledger: Ledger) -> None:
    with run_lock(workspace):
        done = upkeep.compact(workspace, ledger)
    if [len(one.files) for one in done.merges] != [FILES]:
        raise SystemExit(f"{len(done.merges)} merges, one was wanted")


def _read(workspace: Workspace, ledger: Ledger) -> tuple[float, float, int]:
    """Median seconds to read every load, and the last one alone; bytes of the files."""
    path = workspace.build / "manifest.parquet"
    manifest = ledger.export_manifest(path)
    times = []
    for read in (0, FILES - 1):
        files = manifest.filter(pl.col("visible_seq") > read)["path"].unique(maintain_order=True).to_list()
        rounds = [_seconds(lambda read=read, files=files: _ask(path, files, read)) for _ in range(ROUNDS)]  # type: ignore[misc]
        times.append(median(rounds))
    return times[0], times[1], sum(Path(one).stat().st_size for one in manifest["path"].unique())


def _ask(manifest: Path, files: list[str], read: int) -> None:
    with duckdb.connect() as connection:
        given = {"files": files, "manifest": str(manifest), "read": read}
        (rows, _, last) = connection.execute(QUERY, given).fetchall()[0]
    if (rows, last) != (PAGE_ROWS // FILES * (FILES - read), FILES):
        raise SystemExit(f"{rows:,} rows read, up to load {last}")


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _workspace(root: Path) -> Workspace:
    root.mkdir()
    (root / SETTINGS_FILE).write_text('[brand]\nname = "Bench"\ncurrency = "USD"\ntimezone = "UTC"\n')
    workspace = open_workspace(root)
    create_keys(workspace)
    return workspace


if __name__ == "__main__":
    main()
