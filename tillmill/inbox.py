"""What people say in the apps and at the command line: kept at once, pending until the next run lands it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

import polars as pl

from ingestion.contracts import contract
from ingestion.contracts.contract import landed_schema
from ingestion.landing import lake
from ingestion.landing.ledger import Ledger
from ingestion.landing.locks import stream_lock
from ingestion.privacy.person import visible_files
from tillmill.errors import UsageError
from tillmill.workspace import Workspace, now

SOURCE = "people"
_SCHEMA = """
create table if not exists entries (
    entry integer primary key autoincrement,
    stream text not null,
    row text not null,
    author text not null,
    at text not null
)
"""


def say(workspace: Workspace, stream: str, row: dict[str, Any], *, author: str) -> int:
    """Keeps one row of `stream` as said by `author`, on disk before this returns; returns the entry's number.

    The row names columns of the stream's contract; what it leaves out is null or the contract's default. Raises
    UsageError without an author, and for a row the contract would not take: then nothing is kept.
    """
    if not author.strip():
        raise UsageError("who says so? Next: add --by NAME")
    lake.checked(workspace, stream, _frame(stream, [row]), now())
    with _open(workspace) as connection, connection:
        entry = connection.execute(
            "insert into entries (stream, row, author, at) values (?, ?, ?, ?)",
            (stream, json.dumps(row, default=str, ensure_ascii=False), author.strip(), now().isoformat()),
        ).lastrowid
    assert entry is not None
    return entry


def pending(workspace: Workspace, ledger: Ledger, stream: str) -> list[dict[str, Any]]:
    """The rows of `stream` that have not landed yet, oldest first, each with `entry`, `said_at` and `author` (the row's
    own where it names one)."""
    last = (ledger.cursor(SOURCE, stream).value or {"entry": 0})["entry"]
    with _open(workspace) as connection:
        rows = connection.execute(
            "select entry, row, author, at from entries where stream = ? and entry > ? order by entry", (stream, last)
        ).fetchall()
    # Who approves what somebody else said is the entry's author, and the row keeps its own.
    return [{"author": author, **json.loads(row), "entry": entry, "said_at": at} for entry, row, author, at in rows]


def landed(workspace: Workspace, ledger: Ledger, stream: str) -> pl.DataFrame:
    """Every version of the rows of `stream` that has landed, whoever brought it; the current one of each last."""
    one = contract(stream)
    order = {"_load_seq": pl.Int64(), "_row": pl.Int64()}
    columns = landed_schema(one) | order
    files = [pl.read_parquet(workspace.root / file) for _, _, file in visible_files(ledger, [one])]
    rows = [rows.filter(pl.col("_op") != "delete").select(*columns) for rows in files]
    return pl.concat([pl.DataFrame(schema=columns), *rows]).sort(one.version, *order)


def land(workspace: Workspace, ledger: Ledger) -> int:
    """Lands what people have said since the last run, a load per stream and version of a row; returns how many rows.

    The ledger's cursor remembers the last entry that landed, so a run killed anywhere lands each entry once.
    """
    with _open(workspace) as connection:
        streams = [name for (name,) in connection.execute("select distinct stream from entries order by stream")]
    return sum(_land_stream(workspace, ledger, stream) for stream in streams)


def _land_stream(workspace: Workspace, ledger: Ledger, stream: str) -> int:
    with stream_lock(workspace, SOURCE, stream):
        lake.recover_stream(workspace, ledger, SOURCE, stream)
        landed = 0
        while said := _versions_apart(stream, pending(workspace, ledger, stream)):
            read = ledger.cursor(SOURCE, stream)
            cursor = {"entry": said[-1]["entry"]}
            frame = _frame(stream, said)
            lake.land_said(workspace, ledger, source=SOURCE, stream=stream, frame=frame, read=read, cursor=cursor)
            landed += len(said)
        return landed


def _versions_apart(stream: str, said: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first rows said, up to where one says again what another says: two versions of a row are two loads."""
    one, seen = contract(stream), set()
    for place, row in enumerate(said):
        key = tuple(row.get(name) or one.defaults.get(name) for name in one.key)
        if key in seen:
            return said[:place]
        seen.add(key)
    return said


def _frame(stream: str, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """The rows with every column of the contract that needs no filling in; times and dates are read from ISO text."""
    one = contract(stream)
    filled = {one.version, "currency", *one.defaults}
    schema = {name: column.dtype for name, column in one.schema.columns().items()}
    unknown = sorted({name for row in rows for name in row} - {*schema, "entry", "author", "said_at"})
    if unknown:
        raise UsageError(f"{stream} has no column {unknown[0]!r}; it has {', '.join(schema)}")
    used = [name for name in schema if name not in filled or any(name in row for row in rows)]
    texts = pl.DataFrame(
        {name: [_text(row.get(name)) for row in rows] for name in used}, schema=dict.fromkeys(used, pl.String)
    )
    times = [name for name in used if schema[name] == pl.Datetime]
    dates = [name for name in used if schema[name] == pl.Date]
    return texts.with_columns(
        pl.col(times).str.to_datetime(time_unit="us", time_zone="UTC"), pl.col(dates).str.to_date()
    )


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, bool | list | dict) else str(value)


@contextmanager
def _open(workspace: Workspace) -> Iterator[sqlite3.Connection]:
    workspace.inbox.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(workspace.inbox, timeout=30)) as connection:
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.execute(_SCHEMA)
        yield connection
