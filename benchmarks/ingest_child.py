"""One way of landing the rows, in a process of its own: prints one JSON object with its seconds and peak memory."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import polars as pl

from benchmarks.ingest_rows import CONTRACT, PAGE_ROWS, READ_AT, page, stream
from ingestion.contracts.contract import landed_schema
from ingestion.landing import lake
from ingestion.landing.files import fsync
from ingestion.landing.ledger import Ledger
from ingestion.landing.locks import stream_lock
from ingestion.prepare import prepare
from ingestion.privacy.tokens import create_keys, load_keys
from ingestion.pulling import pull_all
from tillmill.workspace import SETTINGS_FILE, Workspace, open_workspace

EMPTY_PULLS = 50
NONE_BAD = pl.DataFrame(schema=dict.fromkeys(("position", "field", "reason", "raw"), pl.String) | {"row": pl.Int64})
Handed = TypeVar("Handed")


def main() -> None:
    """`python -m benchmarks.ingest_child MODE FOLDER ROWS`; the modes are the functions below."""
    mode, folder, rows = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    modes = {"chunks": chunks, "bare": bare, "land": land, "check": check, "pull": pull, "empty": empty}
    seconds = modes[mode](folder, rows // PAGE_ROWS)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mib": peak}))


def chunks(folder: Path, count: int) -> float:
    """Writes the prepared pages as Parquet, for the modes that land alone."""
    workspace = _workspace(folder / "chunks-workspace")
    keys = load_keys(workspace)
    for number in range(count):
        prepare(stream(count), page(number), keys).good.write_parquet(folder / f"chunk{number:04d}.parquet")
    return 0.0


def bare(folder: Path, count: int) -> float:
    """The limit: what landing is handed, as zstd Parquet, fsynced, and nothing else."""
    seconds = 0.0
    for number, frame in enumerate(_chunks(folder, count)):
        started = time.perf_counter()
        path = folder / f"bare{number:04d}.parquet"
        frame.write_parquet(path, compression="zstd", statistics=True)
        fsync(path)
        seconds += time.perf_counter() - started
        path.unlink()
    return seconds


def land(folder: Path, count: int) -> float:
    """Landing alone: prepared pages into the lake and the ledger."""
    return _land(_workspace(folder / "land"), _chunks(folder, count), lambda frame: frame)


def check(folder: Path, count: int) -> float:
    """The whole way from text pages: mapping, contract, two token columns, lake and ledger."""
    workspace, bound = _workspace(folder / "check"), stream(count)
    keys = load_keys(workspace)
    return _land(workspace, (page(number) for number in range(count)), lambda found: prepare(bound, found, keys).good)


def pull(folder: Path, count: int) -> float:
    """The same as a run does it, pages made on the way."""
    workspace = _workspace(folder / f"pull{count}")
    keys = load_keys(workspace)
    started = time.perf_counter()
    (result,) = pull_all(workspace, [stream(count)], lambda bound, found: prepare(bound, found, keys))
    seconds = time.perf_counter() - started
    if result.error or result.landed != count * PAGE_ROWS:
        raise SystemExit(f"{result.landed:,} of {count * PAGE_ROWS:,} rows landed: {result.error}")
    return seconds


def empty(folder: Path, count: int) -> float:
    """A pull that finds nothing new, on average."""
    workspace = _workspace(folder / "empty")
    keys = load_keys(workspace)
    pull_all(workspace, [stream(1)], lambda bound, found: prepare(bound, found, keys))
    started = time.perf_counter()
    for _ in range(EMPTY_PULLS):
        pull_all(workspace, [stream(1)], lambda bound, found: prepare(bound, found, keys))
    return (time.perf_counter() - started) / EMPTY_PULLS


def land_page(workspace: Workspace, ledger: Ledger, frame: pl.DataFrame, number: int) -> None:
    """Lands one page of good rows as a load of its own; the caller holds the stream's lock."""
    lake.land(
        workspace,
        ledger,
        source="bench",
        stream=CONTRACT.name,
        schema=landed_schema(CONTRACT),
        event=CONTRACT.event,
        pieces=[lake.Piece(frame, NONE_BAD, frame.height, {"page": number}, READ_AT)],
        read=ledger.cursor("bench", CONTRACT.name),
        started_at=READ_AT,
    )


def _land(workspace: Workspace, handed: Iterable[Handed], good: Callable[[Handed], pl.DataFrame]) -> float:
    """Seconds from what is handed over to its load being visible; making it is not counted."""
    seconds = 0.0
    with Ledger(workspace.ledger) as ledger, stream_lock(workspace, "bench", CONTRACT.name):
        for number, one in enumerate(handed):
            started = time.perf_counter()
            frame = good(one)
            land_page(workspace, ledger, frame, number)
            seconds += time.perf_counter() - started
    return seconds


def _chunks(folder: Path, count: int) -> Iterator[pl.DataFrame]:
    return (pl.read_parquet(folder / f"chunk{number:04d}.parquet") for number in range(count))


def _workspace(root: Path) -> Workspace:
    root.mkdir()
    (root / SETTINGS_FILE).write_text('[brand]\nname = "Bench"\ncurrency = "USD"\ntimezone = "UTC"\n')
    workspace = open_workspace(root)
    create_keys(workspace)
    return workspace


if __name__ == "__main__":
    main()
