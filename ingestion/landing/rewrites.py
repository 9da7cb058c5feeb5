"""The part of the ledger that knows which files were written anew: a new one takes an old one's place in one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ingestion.landing import files
from ingestion.landing.database import Database, to_text
from ingestion.landing.files import Written
from ingestion.landing.load import Kept, Place
from tillmill.errors import TillmillError
from tillmill.workspace import now

# No load's name has it: a file left by a kill that was to take the place of others is known for what it is.
MARK = "~"


@dataclass(frozen=True)
class Replaced:
    """A file that another took the place of: whose load, why, how many rows changed, sha256 before and after."""

    file: Path
    load_id: str
    why: str
    rows: int
    sha256: str
    by_file: Path
    by_sha256: str


class Rewrites(Database):
    """Landed and quarantined files change in no other way than this."""

    def rewrite(self, load_id: str, file: Path, frame: pl.DataFrame, *, why: str, rows: int) -> Replaced:
        """Put `frame` (as many rows as before) in the place of a load's `file` (relative to the workspace).

        The new file is whole and on disk before one transaction gives it to the load, and to all whose rows it was
        merged with; the old one is then deleted. A kill leaves either file in the ledger, and recovery removes the
        other. The caller holds the stream's lock and the run's: nobody reads the old file.
        """
        with self.transaction() as connection:
            number = self.next_number(connection, "rewrite")
        stem = file.stem.partition(MARK)[0]
        target = file.with_name(f"{stem}{MARK}{number}.parquet")
        spool = files.spool_of(self.root / target, number)
        written = files.write_frame(frame, spool)
        files.put_in_place(spool, self.root / target)
        replaced = self._replace(load_id, file, target, written, why, rows)
        files.remove(self.root / file)
        files.fsync((self.root / file).parent)
        return replaced

    def said_of(self, load_id: str) -> list[tuple[int, str]]:
        """Row and fields (JSON text, sealed where the row is) of what people said of a load's quarantined rows."""
        rows = self._connection.execute("select row, fields from fixes where load_id = ? order by fix_id", (load_id,))
        return [(row["row"], row["fields"]) for row in rows]

    def reword_fixes(self, anew: Mapping[tuple[Place, str], str]) -> None:
        """Put other text in the place of what people said of quarantined rows, which means the same; all or none."""
        with self.transaction() as connection:
            connection.executemany(
                "update fixes set fields = ? where load_id = ? and row = ? and fields = ?",
                [(text, place.load_id, place.row, old) for (place, old), text in anew.items()],
            )

    def rename_originals(self, anew: Sequence[tuple[Kept, str]]) -> None:
        """Give kept files other names (sealed anew); all or none."""
        with self.transaction() as connection:
            connection.executemany(
                "update originals set name = ? where stream = ? and source = ? and content = ? and load_id = ?",
                [(name, one.stream, one.source, one.content, one.load_id) for one, name in anew],
            )

    def drop_fixes(self, load_id: str, rows: list[int]) -> None:
        """Forget what people said of these quarantined rows."""
        with self.transaction() as connection:
            connection.executemany("delete from fixes where load_id = ? and row = ?", [(load_id, row) for row in rows])

    def replaced(self, why: str) -> list[Replaced]:
        """Every file that was replaced for this reason."""
        rows = self._connection.execute("select * from replaced where why = ? order by by_file", (why,))
        return [
            Replaced(
                Path(row["file"]),
                row["load_id"],
                row["why"],
                row["rows"],
                row["sha256"],
                Path(row["by_file"]),
                row["by_sha256"],
            )
            for row in rows
        ]

    def old_files(self) -> set[Path]:
        """Files that no longer count, which recovery removes where they are still there."""
        return {Path(row["file"]) for row in self._connection.execute("select file from replaced")}

    def _replace(self, load_id: str, file: Path, target: Path, written: Written, why: str, rows: int) -> Replaced:
        old, new = file.as_posix(), target.as_posix()
        with self.transaction() as connection:
            row = connection.execute("select * from loads where load_id = ?", (load_id,)).fetchone()
            if row is None or old not in (row["file"], row["quarantine_file"]):
                raise TillmillError(f"load {load_id} has no file {old}", state="Nothing was changed.")
            if old == row["file"]:
                before = row["sha256"]
                connection.execute(
                    "update loads set file = ?, bytes = ?, sha256 = ? where file = ?",
                    (new, written.bytes, written.sha256, old),
                )
            else:
                before = row["quarantine_sha256"]
                connection.execute(
                    "update loads set quarantine_file = ?, quarantine_sha256 = ? where load_id = ?",
                    (new, written.sha256, load_id),
                )
            connection.execute(
                """insert into replaced (file, load_id, why, rows, sha256, by_file, by_sha256, at)
                values (?, ?, ?, ?, ?, ?, ?, ?)""",
                (old, load_id, why, rows, before, new, written.sha256, to_text(now())),
            )
        return Replaced(file, load_id, why, rows, before, target, written.sha256)
