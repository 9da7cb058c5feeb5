"""What the ledger knows of one load, one cursor, one quarantined row and one kept file, and how its rows are read."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ingestion.landing.database import to_time
from tillmill.errors import LockedError, TillmillError

_NOT_YET = datetime(1970, 1, 1, tzinfo=UTC)

State = Literal["recorded", "visible", "pending", "discarded"]


class CursorMovedError(LockedError):
    """Another load of the stream was recorded since this one read the cursor."""


@dataclass(frozen=True)
class Cursor:
    """Where a stream goes on from; `revision` counts its changes (0: never pulled)."""

    value: dict[str, Any] | None
    revision: int


class Place(NamedTuple):
    """A quarantined row: the load in which it first appeared, and its number there; as text `LOAD:ROW`."""

    load_id: str
    row: int

    def __str__(self) -> str:
        return f"{self.load_id}:{self.row}"

    @classmethod
    def of(cls, text: str) -> Place | None:
        """The place that `text` names, None where it names none."""
        load_id, _, row = text.rpartition(":")
        return cls(load_id, int(row)) if load_id and row.isascii() and row.isdigit() else None


@dataclass(frozen=True)
class Load:
    """One load: its files (relative to the workspace, None without rows), its counts, and who may see it.

    `visible_seq` is given when the load becomes visible, or pending for its candidate. `extra_fields` are the source's
    fields that no mapping used and, with a minus, the mapped ones it no longer had. `watermark_at` is the highest event
    time among its rows. A replay pulls nothing: it lands n rows that earlier loads had quarantined, and its
    `quarantined` is -n, so that sums over loads count every row once and what is still open in quarantine.
    Loads whose files were merged have one `file`, with its `bytes` and `sha256`; a row's `_load_id` says whose it is.
    `cursor_name` says which of the stream's cursors it moved ('' the ordinary one); `kinds`, of a load that is being
    recorded, what kinds of values its mapped fields hold, and in which unmapped ones people stand.
    """

    load_id: str
    load_seq: int
    source: str
    stream: str
    pulled: int
    landed: int
    quarantined: int
    started_at: datetime
    file: Path | None = None
    bytes: int = 0
    sha256: str | None = None
    quarantine_file: Path | None = None
    quarantine_sha256: str | None = None
    extra_fields: tuple[str, ...] = ()
    watermark_at: datetime | None = None
    run_id: str | None = None
    candidate: str | None = None
    cursor_name: str = ""
    state: State = "recorded"
    visible_seq: int | None = None
    kinds: tuple[tuple[str, str], ...] = ()
    ended_at: datetime | None = None


@dataclass(frozen=True)
class Kept:
    """A source file that a load was read from: content (sha256 of its bytes), name (sealed where it may be a person's),
    size; and, where the ledger tells it, whose it is and since when it is kept.
    """

    content: str
    name: str
    bytes: int
    stream: str = ""
    source: str = ""
    load_id: str = ""
    kept_at: datetime = _NOT_YET


def load_row(connection: sqlite3.Connection, load_id: str) -> Load:
    row = connection.execute("select * from loads where load_id = ?", (load_id,)).fetchone()
    if row is None:
        raise TillmillError(f"the ledger has no load {load_id}", state="Nothing was changed.")
    return to_load(row)


def to_load(row: sqlite3.Row) -> Load:
    started_at = to_time(row["started_at"])
    assert started_at is not None
    return Load(
        load_id=row["load_id"],
        load_seq=row["load_seq"],
        source=row["source"],
        stream=row["stream"],
        pulled=row["pulled"],
        landed=row["landed"],
        quarantined=row["quarantined"],
        started_at=started_at,
        file=_to_path(row["file"]),
        bytes=row["bytes"],
        sha256=row["sha256"],
        quarantine_file=_to_path(row["quarantine_file"]),
        quarantine_sha256=row["quarantine_sha256"],
        extra_fields=tuple(json.loads(row["extra_fields"])),
        watermark_at=to_time(row["watermark_at"]),
        run_id=row["run_id"],
        candidate=row["candidate"],
        cursor_name=row["cursor_name"],
        state=row["state"],
        visible_seq=row["visible_seq"],
        ended_at=to_time(row["ended_at"]),
    )


def _to_path(text: str | None) -> Path | None:
    return None if text is None else Path(text)


def path_text(path: Path | None) -> str | None:
    return None if path is None else path.as_posix()
