"""What became of quarantined rows, in the ledger: which a replay landed or people closed, what people changed in them,
and why a replay refused the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ingestion.landing.database import Database, to_text, to_time
from ingestion.landing.load import Place
from tillmill.errors import UsageError
from tillmill.workspace import now


@dataclass(frozen=True)
class Fix:
    """What a person says a quarantined row should have been: `fields` as JSON text, sealed where the row is."""

    place: Place
    fields: str
    author: str
    fixed_at: datetime


@dataclass(frozen=True)
class Dismissal:
    """Why a quarantined row was closed, and who said so; since when, where the ledger tells it."""

    why: str
    author: str
    dismissed_at: datetime | None = None


class Mending(Database):
    """The part of the ledger that knows what left quarantine and why."""

    def closed(self, load_id: str) -> set[int]:
        """The rows of this load that are no longer open: landed by a replay, or dismissed."""
        return {*self.replayed(load_id), *self.dismissals(load_id)}

    def dismiss(self, rows: Mapping[Place, Dismissal]) -> None:
        """Close these rows; all of them or none. One that was closed before keeps its first words.

        Raises UsageError where one of them has landed: the run lock keeps replays away.
        """
        at = to_text(now())
        with self.transaction() as connection:
            for place, told in rows.items():
                if connection.execute("select 1 from replays where replay_of = ? and row = ?", place).fetchone():
                    raise UsageError(f"{place} has landed and cannot be dismissed", state="Nothing was changed.")
                connection.execute(
                    """insert or ignore into dismissals (load_id, row, why, author, dismissed_at)
                    values (?, ?, ?, ?, ?)""",
                    (*place, told.why, told.author, at),
                )

    def reopen(self, places: Iterable[Place]) -> int:
        """Open dismissed rows again; returns how many were closed."""
        with self.transaction() as connection:
            gone = [
                connection.execute("delete from dismissals where load_id = ? and row = ?", place).rowcount
                for place in places
            ]
        return sum(gone)

    def dismissals(self, load_id: str) -> dict[int, Dismissal]:
        """The rows of this load that people closed."""
        rows = self._connection.execute("select * from dismissals where load_id = ? order by row", (load_id,))
        return {row["row"]: Dismissal(row["why"], row["author"], to_time(row["dismissed_at"])) for row in rows}

    def dismissed_rows(self) -> dict[tuple[str, str], int]:
        """How many rows of each source and stream people closed."""
        rows = self._connection.execute(
            """select l.source, l.stream, count(*) as rows from dismissals as d join loads as l on d.load_id = l.load_id
            group by l.source, l.stream order by l.source, l.stream"""
        )
        return {(row["source"], row["stream"]): row["rows"] for row in rows}

    def record_refusals(self, load_id: str, refused: Mapping[int, Iterable[tuple[str, str]]]) -> None:
        """Keep why these rows of a load (field and reason) are refused now, in the place of what was kept before."""
        with self.transaction() as connection:
            for row, reasons in refused.items():
                connection.execute("delete from refusals where load_id = ? and row = ?", (load_id, row))
                connection.executemany(
                    "insert or ignore into refusals (load_id, row, field, reason) values (?, ?, ?, ?)",
                    [(load_id, row, field, reason) for field, reason in reasons],
                )

    def refusals(self, load_id: str) -> list[tuple[int, str, str]]:
        """Row, field and reason of this load's rows that a replay refused."""
        rows = self._connection.execute(
            "select row, field, reason from refusals where load_id = ? order by row, field, reason", (load_id,)
        )
        return [(row["row"], row["field"], row["reason"]) for row in rows]

    def replayed(self, load_id: str) -> dict[int, str]:
        """The rows of this load that are no longer open, each with the load that landed it."""
        rows = self._connection.execute("select row, load_id from replays where replay_of = ?", (load_id,))
        return {row["row"]: row["load_id"] for row in rows}

    def replay_of(self, load_id: str) -> list[Place]:
        """Where the rows that a replay landed had first appeared."""
        rows = self._connection.execute(
            "select replay_of, row from replays where load_id = ? order by replay_of, row", (load_id,)
        )
        return [Place(row["replay_of"], row["row"]) for row in rows]

    def record_fixes(self, fixes: dict[Place, str], author: str) -> None:
        """Keep what `author` says of each row (JSON text by place), beside what was said before; all of it or none."""
        at = to_text(now())
        with self.transaction() as connection:
            connection.executemany(
                "insert into fixes (load_id, row, fields, author, fixed_at) values (?, ?, ?, ?, ?)",
                [(place.load_id, place.row, fields, author, at) for place, fields in fixes.items()],
            )

    def fixes(self, load_id: str) -> list[Fix]:
        """What people have said of this load's rows, oldest first."""
        rows = self._connection.execute("select * from fixes where load_id = ? order by fix_id", (load_id,))
        return [_to_fix(row["load_id"], row["row"], row["fields"], row["author"], row["fixed_at"]) for row in rows]


def _to_fix(load_id: str, row: int, fields: str, author: str, fixed_at: str) -> Fix:
    at = to_time(fixed_at)
    assert at is not None
    return Fix(Place(load_id, row), fields, author, at)
