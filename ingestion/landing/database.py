"""The ledger's SQLite file: where it stands, its counters, and how it writes times."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from ingestion.landing.migrations import MIGRATIONS
from ingestion.landing.sqlitefile import SqliteFile


class Database(SqliteFile):
    """One connection to the ledger.

    The path is `<workspace>/state/ledger.sqlite`: files are recorded relative to the workspace, which can be moved.
    """

    called = "the ledger"
    migrations = MIGRATIONS

    def __init__(self, path: Path) -> None:
        self.root = path.absolute().parent.parent
        super().__init__(path)

    def next_number(self, connection: sqlite3.Connection, name: str) -> int:
        """The next value of a counter; no number is ever given twice, discarded loads' included."""
        connection.execute("update counters set value = value + 1 where name = ?", (name,))
        row = connection.execute("select value from counters where name = ?", (name,)).fetchone()
        return int(row["value"])


def to_text(at: datetime | None) -> str | None:
    """A UTC timestamp as text that sorts by time; None stays None."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="microseconds")


def to_time(text: str | None) -> datetime | None:
    """The UTC timestamp behind `to_text`."""
    return None if text is None else datetime.fromisoformat(text)
