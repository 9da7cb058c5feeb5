"""The ledger's SQLite file: how it is opened and brought up to date, its transactions and its counters."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from ingestion.landing.locks import held
from ingestion.landing.migrations import SCHEMA_VERSION, migrate, version_of
from tillmill.errors import TillmillError

BUSY_SECONDS = 30.0


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
        if version_of(self._connection) < SCHEMA_VERSION:
            # Turning to write-ahead logging needs the file for itself and does not wait: newcomers queue here.
            with held(self.path.with_suffix(".lock"), "the ledger", wait=True):
                if version_of(self._connection) == 0:
                    self._connection.execute("pragma journal_mode = wal")
                if version_of(self._connection) < SCHEMA_VERSION:
                    migrate(self._connection)
        if (version := version_of(self._connection)) != SCHEMA_VERSION:
            raise TillmillError(
                f"{self.path} has schema version {version}, this Tillmill knows {SCHEMA_VERSION}",
                state="Nothing was changed.",
                next_command="install the Tillmill that made this workspace, or a newer one",
            )

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
