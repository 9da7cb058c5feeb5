"""The part of the ledger that knows merged files: one takes the place of many in one step, and these wait to go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ingestion.landing.database import Database, to_text, to_time
from ingestion.landing.files import Written
from ingestion.landing.load import load_row
from tillmill.errors import TillmillError
from tillmill.workspace import now


@dataclass(frozen=True)
class Merged:
    """A file (relative to the workspace) that no load names any more, its rows being in `by_file` since then."""

    file: Path
    by_file: Path
    merged_at: datetime


class Merges(Database):
    """Loads keep their numbers and their counts; only where their rows stand changes."""

    def reserve_file_number(self) -> int:
        """A number that no file of the lake has in its name yet."""
        with self.transaction() as connection:
            return self.next_number(connection, "rewrite")

    def merge(self, loads: Sequence[str], old: Sequence[Path], new: Path, written: Written) -> None:
        """Make `new`, whole and on disk, the file of these loads, all that stood in the `old` ones; these then wait.

        Raises TillmillError, and changes nothing, unless the old files are those of these loads, visible to everyone.
        """
        names = {file.as_posix() for file in old}
        at = to_text(now())
        with self.transaction() as connection:
            one = load_row(connection, loads[0])
            rows = connection.execute(
                "select load_id, file from loads where stream = ? and source = ? and state = 'visible'",
                (one.stream, one.source),
            )
            if {row["load_id"] for row in rows if row["file"] in names} != set(loads):
                raise TillmillError(
                    f"{new.name}: the ledger has other loads in the files that it was made of",
                    state="Nothing was changed; the new file is swept by the next run.",
                    next_command="tillmill lake compact",
                )
            connection.executemany(
                "update loads set file = ?, bytes = ?, sha256 = ? where load_id = ?",
                [(new.as_posix(), written.bytes, written.sha256, load_id) for load_id in loads],
            )
            connection.executemany(
                "insert into merged (file, by_file, merged_at) values (?, ?, ?)",
                [(name, new.as_posix(), at) for name in sorted(names)],
            )

    def merged(self) -> list[Merged]:
        """Files that were merged and are still there for whoever holds an older manifest, oldest first."""
        found = []
        for row in self._connection.execute("select * from merged order by merged_at, file"):
            merged_at = to_time(row["merged_at"])
            assert merged_at is not None
            found.append(Merged(Path(row["file"]), Path(row["by_file"]), merged_at))
        return found

    def is_merged(self, file: Path) -> bool:
        """Whether the file is one of these."""
        found = self._connection.execute("select 1 from merged where file = ?", (file.as_posix(),)).fetchone()
        return found is not None

    def drop_merged(self, files: Sequence[Path]) -> None:
        """Forget these: they are removed."""
        with self.transaction() as connection:
            connection.executemany("delete from merged where file = ?", [(file.as_posix(),) for file in files])
