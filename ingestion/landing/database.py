"""The ledger's SQLite file: how it is opened, its tables, its transactions and its counters."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from ingestion.landing.locks import held
from tillmill.errors import TillmillError

SCHEMA_VERSION = 1
BUSY_SECONDS = 30.0

_TABLES = """
begin immediate;
pragma user_version = 1;

create table counters (
    name text primary key,
    value integer not null
);
insert into counters (name, value) values ('load_seq', 0), ('visible_seq', 0);

create table cursors (
    source text not null,
    stream text not null,
    cursor text not null,
    revision integer not null,
    primary key (source, stream)
);

create table loads (
    load_id text primary key,
    load_seq integer not null unique,
    source text not null,
    stream text not null,
    state text not null check (state in ('recorded', 'visible', 'pending', 'discarded')),
    visible_seq integer unique,
    file text,
    bytes integer not null,
    sha256 text,
    pulled integer not null check (pulled = landed + quarantined),
    landed integer not null check (landed >= 0 and (landed > 0) = (file is not null)),
    quarantined integer not null check (quarantined >= 0 and (quarantined > 0) = (quarantine_file is not null)),
    quarantine_file text,
    quarantine_sha256 text,
    extra_fields text not null,
    watermark_at text,
    started_at text not null,
    ended_at text,
    run_id text,
    candidate text,
    cursor_before text,
    cursor_revision integer,
    check (state not in ('visible', 'pending') or visible_seq is not null),
    check (state <> 'pending' or candidate is not null)
);
create index loads_of_stream on loads (stream, source, state);
create index loads_of_candidate on loads (candidate) where candidate is not null;

create table versions (
    version integer primary key,
    candidate text not null unique,
    file text not null,
    sha256 text not null,
    state text not null check (state in ('current', 'past')),
    published_at text not null
);
create unique index versions_current on versions (state) where state = 'current';

create table pin (
    one integer primary key check (one = 1),
    version integer not null references versions (version),
    pinned_at text not null
);
commit;
"""


class Database:
    """One connection to the ledger; each thread and each process opens its own.

    The path is `<workspace>/state/ledger.sqlite`: files are recorded relative to the workspace, which can be moved.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.root = path.absolute().parent.parent
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_SECONDS)
        self._connection.row_factory = sqlite3.Row
        try:
            self._prepare()
        except sqlite3.Error as error:
            self.close()
            raise self._failed(error) from error
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the last one to close folds the write-ahead log into the file."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing, on disk when this returns. Raises TillmillError when the ledger cannot be written."""
        try:
            self._connection.execute("begin immediate")
            yield self._connection
            self._connection.execute("commit")
        except sqlite3.OperationalError as error:
            self._roll_back()
            raise self._failed(error) from error
        except BaseException:
            self._roll_back()
            raise

    def next_number(self, connection: sqlite3.Connection, name: str) -> int:
        """The next value of a counter; no number is ever given twice, discarded loads' included."""
        connection.execute("update counters set value = value + 1 where name = ?", (name,))
        row = connection.execute("select value from counters where name = ?", (name,)).fetchone()
        return int(row["value"])

    def _prepare(self) -> None:
        self._connection.execute("pragma foreign_keys = on")
        # FULL: a commit is on disk before the next step relies on it, through a power cut too.
        self._connection.execute("pragma synchronous = full")
        if self._schema_version() == 0:
            # Turning to write-ahead logging needs the file for itself and does not wait: newcomers queue here.
            with held(self.path.with_suffix(".lock"), "the ledger", wait=True):
                if self._schema_version() == 0:
                    self._connection.execute("pragma journal_mode = wal")
                    self._connection.executescript(_TABLES)
        if self._schema_version() != SCHEMA_VERSION:
            raise TillmillError(
                f"{self.path} has schema version {self._schema_version()}, this Tillmill knows {SCHEMA_VERSION}",
                state="Nothing was changed.",
                next_command="install the Tillmill that made this workspace, or a newer one",
            )

    def _schema_version(self) -> int:
        return int(self._connection.execute("pragma user_version").fetchone()[0])

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("rollback")

    def _failed(self, error: sqlite3.Error) -> TillmillError:
        return TillmillError(
            f"{self.path}: {error}",
            state="The transaction was rolled back: nothing of it is visible, nothing is lost.",
            next_command="make room or make the folder writable, then: tillmill run",
        )


def to_text(at: datetime | None) -> str | None:
    """A UTC timestamp as text that sorts by time; None stays None."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="microseconds")


def to_time(text: str | None) -> datetime | None:
    """The UTC timestamp behind `to_text`."""
    return None if text is None else datetime.fromisoformat(text)
