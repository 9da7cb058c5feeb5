"""Many small files of a stream become few large ones, row for row, while whoever reads them goes on reading.

A merged file has the rows of its loads one load after the other, in the order in which they became visible, each row
as it landed. Old files stay until no manifest names them and a while has passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import ComputeError

from ingestion.landing import files
from ingestion.landing.lake import LEARNT_SOURCE
from ingestion.landing.ledger import Ledger, Load
from ingestion.landing.locks import stream_lock
from ingestion.landing.rewrites import MARK
from tillmill.errors import TillmillError
from tillmill.workspace import Workspace, now

# A forgotten person's files are read whole, so a file may not be larger than memory likes.
TARGET_ROWS = 1_000_000
TARGET_BYTES = 128 * 1024 * 1024
# To merge two files again and again would write the larger one each time.
FEWEST = 4
# DuckDB's own: a reader skips row groups, by the least and the greatest `_load_id` in each.
ROW_GROUP = 122_880
KEPT = timedelta(hours=24)


@dataclass(frozen=True)
class Landed:
    """One file that counts: its loads in the order they became visible, its rows, its size, its sha256."""

    file: Path
    loads: tuple[Load, ...]

    @property
    def rows(self) -> int:
        return sum(load.landed for load in self.loads)

    @property
    def bytes(self) -> int:
        return self.loads[0].bytes


@dataclass(frozen=True)
class Merge:
    """Files of one source's stream, of one schema, that are to become one."""

    source: str
    stream: str
    files: tuple[Landed, ...]

    @property
    def loads(self) -> list[Load]:
        """All loads in it, in the order they became visible."""
        return sorted((load for file in self.files for load in file.loads), key=_seq)

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


def plan(workspace: Workspace, ledger: Ledger, streams: Sequence[str] = ()) -> Iterator[Merge]:
    """What would be merged, of these streams or of all; reads the ledger and the files' schemas, changes nothing.

    Only loads that everyone sees take part, and of what a room learnt never the newest load, which is read alone.
    """
    for source, stream in ledger.streams():
        if streams and stream not in streams:
            continue
        found = landed_files(ledger, source, stream)
        for group in _groups(workspace, found[:-1] if source == LEARNT_SOURCE else found):
            yield Merge(source, stream, tuple(group))


def landed_files(ledger: Ledger, source: str, stream: str) -> list[Landed]:
    """The stream's files with rows of visible loads, each once, in the order their first loads became visible."""
    found: dict[Path, list[Load]] = {}
    for load in sorted(ledger.loads(source, stream), key=_seq):
        if load.state == "visible" and load.file is not None:
            found.setdefault(load.file, []).append(load)
    return [Landed(file, tuple(loads)) for file, loads in found.items()]


def merge(workspace: Workspace, ledger: Ledger, one: Merge) -> Path:
    """Write the merge's rows into one file and make it that of its loads; returns it, relative to the workspace.

    The caller holds the run lock. A kill leaves the old files or the new one in the ledger, never both and never
    neither; recovery removes what is left over. Raises TillmillError where a file is not the one that was recorded, or
    the new one has not each load's rows; then nothing is changed.
    """
    with stream_lock(workspace, one.source, one.stream):
        number = ledger.reserve_file_number()
        name = f"{files.safe_name(one.stream)}-{files.safe_name(one.source)}{MARK}{number}.parquet"
        target = workspace.root / one.files[0].file.with_name(name)
        spool = files.spool_of(target, number)
        try:
            _check_sources(workspace, one)
            written = _write(workspace, one, spool)
            _check_rows(workspace, spool, one)
        except BaseException:
            files.remove(spool)
            raise
        files.put_in_place(spool, target)
        new = target.relative_to(workspace.root)
        ledger.merge([load.load_id for load in one.loads], [file.file for file in one.files], new, written)
        return new


def sweep(workspace: Workspace, ledger: Ledger, *, at_once: bool = False) -> int:
    """Remove merged files that nobody can be reading any more; returns how many. The caller holds the run lock.

    That is a day after they were merged, and not while the manifest of a candidate names them; `at_once` all of them,
    because a person is in them who is to be forgotten.
    """
    waiting = ledger.merged()
    if not at_once:
        named = _named(workspace.build / "manifest.parquet")
        before = now() - KEPT
        waiting = [one for one in waiting if one.merged_at <= before and str(ledger.root / one.file) not in named]
    for one in waiting:
        files.remove(workspace.root / one.file)
    gone = [one.file for one in waiting if not (workspace.root / one.file).exists()]
    if gone:
        ledger.drop_merged(gone)
    return len(gone)


def sweep_spools(workspace: Workspace) -> int:
    """Remove half-written files that a kill left in `build/` and `state/`; returns how many. The caller holds the run
    lock, so nobody is writing them; those of the lake are `recover`'s."""
    left = [path for folder in (workspace.build, workspace.ledger.parent) for path in folder.glob(f".*{files.SPOOL}")]
    for path in left:
        files.remove(path)
    return len(left)


def _groups(workspace: Workspace, found: Iterable[Landed]) -> Iterator[list[Landed]]:
    """Neighbours of one schema, as many as fit; a file that is large enough already stays as it is."""
    group: list[Landed] = []
    schema: pl.Schema | None = None
    for one in found:
        if one.rows > TARGET_ROWS // 2 or one.bytes > TARGET_BYTES // 2:
            continue
        own = _schema(workspace, one)
        rows, size = (sum(getattr(each, name) for each in [*group, one]) for name in ("rows", "bytes"))
        if group and (own != schema or rows > TARGET_ROWS or size > TARGET_BYTES):
            if len(group) >= FEWEST:
                yield group
            group = []
        group.append(one)
        schema = own
    if len(group) >= FEWEST:
        yield group


def _schema(workspace: Workspace, one: Landed) -> pl.Schema:
    try:
        return pl.Schema(pl.read_parquet_schema(workspace.root / one.file))
    except (OSError, ComputeError) as error:
        raise _damaged(workspace, one) from error


def _check_sources(workspace: Workspace, one: Merge) -> None:
    """A damaged file must not be made good by a new sum over it."""
    for each in one.files:
        path = workspace.root / each.file
        if not path.exists() or files.sha256(path) != each.loads[0].sha256:
            raise _damaged(workspace, each)


def _damaged(workspace: Workspace, one: Landed) -> TillmillError:
    load = one.loads[0]
    return TillmillError(
        f"{workspace.root / one.file} is not the file that load {load.load_id} of {load.source} {load.stream} recorded",
        state="It was not merged, and nothing of it was changed.",
        next_command="put the file back from a backup, then: tillmill lake compact",
    )


def _write(workspace: Workspace, one: Merge, spool: Path) -> files.Written:
    import pyarrow as pa  # half a second that other commands need not wait
    import pyarrow.parquet as pq

    schema = pq.read_schema(workspace.root / one.files[0].file)
    with files.writing(spool, one.bytes):
        with pq.ParquetWriter(spool, schema, compression="zstd", compression_level=3) as writer:
            held: list[Any] = []
            for each in one.files:
                with pq.ParquetFile(workspace.root / each.file) as file:
                    for batch in file.iter_batches(ROW_GROUP):
                        # Text is text to both writers, polars and pyarrow, but not of one Arrow type.
                        held.append(pa.Table.from_batches([batch]).cast(schema))
                        if sum(table.num_rows for table in held) >= ROW_GROUP:
                            writer.write_table(pa.concat_tables(held), ROW_GROUP)
                            held = []
            if held:
                writer.write_table(pa.concat_tables(held), ROW_GROUP)
        return files.settled(spool)


def _check_rows(workspace: Workspace, spool: Path, one: Merge) -> None:
    """Every load has as many rows in the new file as it landed, in columns of the same types."""
    counted = pl.scan_parquet(spool).group_by("_load_id").len().collect()
    is_same = pl.read_parquet_schema(spool) == pl.read_parquet_schema(workspace.root / one.files[0].file)
    if not is_same or dict(counted.iter_rows()) != {load.load_id: load.landed for load in one.loads}:
        raise TillmillError(
            f"{one.source} {one.stream}: the merged file has other rows than its loads",
            state="Nothing was changed.",
            next_command="tillmill status",
        )


def _named(manifest: Path) -> set[str]:
    """The files that a candidate's frozen manifest names."""
    return set(pl.read_parquet(manifest, columns=["path"])["path"].drop_nulls()) if manifest.exists() else set()


def _seq(load: Load) -> int:
    return load.visible_seq or 0
