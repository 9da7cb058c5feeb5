"""Published versions in the ledger: one transaction publishes a candidate, and a pin holds an older version."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from ingestion.landing.database import Database, to_text, to_time
from tillmill.errors import TillmillError, UsageError
from tillmill.workspace import now


@dataclass(frozen=True)
class Version:
    """One published file: `file` as the publisher named it, `state` current for the newest and past for the others.

    `is_pinned`: people see this one until it is released.
    """

    version: int
    candidate: str
    file: str
    sha256: str
    state: Literal["current", "past"]
    published_at: datetime
    is_pinned: bool


_SELECT = (
    "select v.*, p.version is not null as is_pinned from versions as v left join pin as p on v.version = p.version "
)


class Versions(Database):
    """The part of the ledger that knows which version people see."""

    def publish(self, candidate: str, file: str, sha256: str) -> int:
        """Make the candidate's pending loads visible and its file the current version, in one transaction.

        Returns the version's number. Publishing the same candidate with the same file again returns the number it has.
        Raises TillmillError, and changes nothing, while a load of the candidate is not in place yet, or when the
        candidate was published with another file.
        """
        with self.transaction() as connection:
            row = connection.execute("select * from versions where candidate = ?", (candidate,)).fetchone()
            if row is not None:
                if (row["file"], row["sha256"]) == (file, sha256):
                    return int(row["version"])
                raise TillmillError(
                    f"candidate {candidate} is already published as {row['file']}", state="Nothing was changed."
                )
            unfinished = connection.execute(
                "select load_id from loads where candidate = ? and state = 'recorded' limit 1", (candidate,)
            ).fetchone()
            if unfinished is not None:
                raise TillmillError(
                    f"load {unfinished['load_id']} of candidate {candidate} is not in place yet",
                    state="Nothing was published; the last published version is still served.",
                    next_command="tillmill run",
                )
            connection.execute(
                "update loads set state = 'visible' where candidate = ? and state = 'pending'", (candidate,)
            )
            connection.execute("update versions set state = 'past' where state = 'current'")
            published = connection.execute(
                "insert into versions (candidate, file, sha256, state, published_at) values (?, ?, ?, 'current', ?)",
                (candidate, file, sha256, to_text(now())),
            )
            assert published.lastrowid is not None
            return published.lastrowid

    def discard(self, candidate: str) -> list[str]:
        """Throw a failed candidate's loads away and remove their files; returns the loads' names. Again is a no-op."""
        with self.transaction() as connection:
            rows = connection.execute(
                """select load_id, file from loads
                where candidate = ? and state in ('recorded', 'pending') order by load_seq""",
                (candidate,),
            ).fetchall()
            connection.execute(
                """update loads set state = 'discarded', ended_at = coalesce(ended_at, ?)
                where candidate = ? and state in ('recorded', 'pending')""",
                (to_text(now()), candidate),
            )
        for row in rows:
            # After the transaction: a kill in between leaves files that nobody reads and that the next sweep removes.
            if row["file"] is not None:
                (self.root / Path(row["file"])).unlink(missing_ok=True)
        return [str(row["load_id"]) for row in rows]

    def candidates(self) -> list[str]:
        """Candidates that have loads neither published nor discarded: what an interrupted run has left."""
        rows = self._connection.execute(
            """select distinct candidate from loads
            where candidate is not null and state in ('recorded', 'pending') order by candidate"""
        )
        return [str(row["candidate"]) for row in rows]

    def versions(self) -> list[Version]:
        """All published versions, newest first."""
        return [_to_version(row) for row in self._connection.execute(_SELECT + "order by v.version desc")]

    def latest_version(self) -> Version | None:
        """The newest version, whatever is pinned: the next candidate starts from its file."""
        row = self._connection.execute(_SELECT + "where v.state = 'current'").fetchone()
        return None if row is None else _to_version(row)

    def current_version(self) -> Version | None:
        """The version people see: the pinned one, else the newest; None before the first is published."""
        row = self._connection.execute(_SELECT + "where p.version is not null").fetchone()
        return self.latest_version() if row is None else _to_version(row)

    def pinned(self) -> int | None:
        """The pinned version's number, None when people see the newest."""
        row = self._connection.execute("select version from pin").fetchone()
        return None if row is None else int(row["version"])

    def pin(self, version: int) -> Version:
        """Show people this version until `release`, whatever is published meanwhile. Raises UsageError if unknown."""
        with self.transaction() as connection:
            row = connection.execute("select version from versions where version = ?", (version,)).fetchone()
            if row is None:
                raise UsageError(
                    f"there is no published version {version}",
                    state="Nothing was changed.",
                    next_command="tillmill status",
                )
            connection.execute(
                "insert or replace into pin (one, version, pinned_at) values (1, ?, ?)", (version, to_text(now()))
            )
            row = connection.execute(_SELECT + "where p.version is not null").fetchone()
        return _to_version(row)

    def release(self) -> None:
        """Show people the newest version again."""
        with self.transaction() as connection:
            connection.execute("delete from pin")


def _to_version(row: sqlite3.Row) -> Version:
    published_at = to_time(row["published_at"])
    assert published_at is not None
    return Version(
        version=row["version"],
        candidate=row["candidate"],
        file=row["file"],
        sha256=row["sha256"],
        state=row["state"],
        published_at=published_at,
        is_pinned=bool(row["is_pinned"]),
    )
