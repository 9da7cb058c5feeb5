"""What became of quarantined rows, in the ledger: which were landed by a replay, and what people changed in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ingestion.landing.database import Database, to_text, to_time
from ingestion.landing.load import Place
from tillmill.workspace import now


@dataclass(frozen=True)
class Fix:
    """What a person says a quarantined row should have been: `fields` as JSON text, sealed where the row is."""

    place: Place
    fields: str
    author: str
    fixed_at: datetime


class Mending(Database):
    """The part of the ledger that knows what left quarantine and why."""

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
