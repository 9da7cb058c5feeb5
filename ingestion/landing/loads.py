"""Loads and cursors in the ledger: recorded with the cursor in one transaction, made visible in another."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ingestion.landing.database import Database, to_text, to_time
from ingestion.landing.load import Cursor, CursorMovedError, Kept, Load, Place, State, load_row, path_text, to_load
from ingestion.privacy.signs import PERSON
from tillmill.errors import ContractError, TillmillError
from tillmill.workspace import now


class Loads(Database):
    """The part of the ledger that knows what was loaded and where each stream goes on."""

    def cursor(self, source: str, stream: str, name: str = "") -> Cursor:
        """The stream's cursor, or the one of this name; value None and revision 0 when it was never pulled."""
        row = self._connection.execute(
            "select cursor, revision from cursors where source = ? and stream = ? and name = ?", (source, stream, name)
        ).fetchone()
        return Cursor(None, 0) if row is None else Cursor(json.loads(row["cursor"]), row["revision"])

    def reserve_load_seq(self) -> int:
        """The next `_load_seq`, to be written into the load's rows before the load is recorded."""
        with self.transaction() as connection:
            return self.next_number(connection, "load_seq")

    def record(
        self,
        load: Load,
        *,
        read: Cursor | None = None,
        cursor: dict[str, Any] | None = None,
        originals: Sequence[Kept] = (),
        replays: Sequence[Place] = (),
    ) -> None:
        """Record a spooled load, and with it the new `cursor`, only if the stored one is still the one `read`.

        `originals` are the files it was read from, which are then kept under its name; `replays` the quarantined rows
        that it lands, each of which can be landed once. Raises CursorMovedError when the cursor has moved or a row was
        replayed since, ContractError when a pulled row is neither landed nor quarantined,
        TillmillError when another candidate's learnt loads are still pending. In each case nothing is recorded.
        """
        if load.pulled != load.landed + load.quarantined:
            raise ContractError(
                f"{load.source} {load.stream}: {load.pulled:,} rows pulled, but {load.landed:,} landed "
                f"and {load.quarantined:,} quarantined",
                state="Nothing of this load is recorded and its cursor has not moved.",
            )
        with self.transaction() as connection:
            if read is not None:
                _move_cursor(connection, load, read, cursor)
            if replays:
                _replay(connection, load, replays)
            if load.candidate is not None:
                _only_candidate(connection, load.candidate)
            # A learnt load keeps its name when it is landed again after its candidate was discarded.
            connection.execute("delete from loads where load_id = ? and state = 'discarded'", (load.load_id,))
            connection.execute(
                """insert into loads (load_id, load_seq, source, stream, state, file, bytes, sha256, pulled, landed,
                    quarantined, quarantine_file, quarantine_sha256, extra_fields, watermark_at, started_at, run_id,
                    candidate, cursor_name, cursor_before, cursor_revision)
                values (?, ?, ?, ?, 'recorded', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
                (
                    load.load_id,
                    load.load_seq,
                    load.source,
                    load.stream,
                    path_text(load.file),
                    load.bytes,
                    load.sha256,
                    load.pulled,
                    load.landed,
                    load.quarantined,
                    path_text(load.quarantine_file),
                    load.quarantine_sha256,
                    json.dumps(load.extra_fields),
                    to_text(load.watermark_at),
                    to_text(load.started_at),
                    load.run_id,
                    load.candidate,
                    load.cursor_name,
                    None if read is None else json.dumps(read.value),
                    None if read is None else read.revision + 1,
                ),
            )
            connection.executemany(
                "insert or ignore into kinds (source, stream, field, kind, load_id) values (?, ?, ?, ?, ?)",
                [(load.source, load.stream, name, kind, load.load_id) for name, kind in load.kinds],
            )
            connection.executemany(
                """insert or replace into originals (stream, source, content, load_id, name, bytes, kept_at)
                values (?, ?, ?, ?, ?, ?, ?)""",
                [
                    (load.stream, load.source, one.content, load.load_id, one.name, one.bytes, to_text(now()))
                    for one in originals
                ],
            )

    def originals(self, source: str | None = None, stream: str | None = None) -> list[Kept]:
        """The source files kept for loads that count, oldest first."""
        rows = self._connection.execute(
            """select o.* from originals as o join loads as l on o.load_id = l.load_id
            where l.state <> 'discarded' and (? is null or o.source = ?) and (? is null or o.stream = ?)
            order by o.kept_at, o.load_id, o.content""",
            (source, source, stream, stream),
        )
        return [
            Kept(
                row["content"],
                row["name"],
                row["bytes"],
                row["stream"],
                row["source"],
                row["load_id"],
                datetime.fromisoformat(row["kept_at"]),
            )
            for row in rows
        ]

    def drop_originals(self, originals: Sequence[Kept]) -> None:
        """Keep these files no longer for their loads."""
        with self.transaction() as connection:
            connection.executemany(
                "delete from originals where stream = ? and source = ? and content = ? and load_id = ?",
                [(one.stream, one.source, one.content, one.load_id) for one in originals],
            )

    def mark_visible(self, load_id: str) -> Load:
        """Make a recorded load, whose files are in place, visible; a candidate's load becomes pending instead.

        Either way it is given its `visible_seq` here. For source loads the commit order is the number's order, so
        whoever has read up to n has missed nothing below n. A pending load's number is reserved now although all
        see it only after publishing, because the candidate's tables already carry it; its stream still becomes visible
        in the number's order, since only one candidate exists at a time and only candidates land learnt streams.
        """
        with self.transaction() as connection:
            load = load_row(connection, load_id)
            if load.state != "recorded":
                return load
            state: State = "pending" if load.candidate else "visible"
            seq = self.next_number(connection, "visible_seq")
            ended_at = now()
            connection.execute(
                # The cursor before it was kept for `undo`; a cursor may list a thousand files, and loads are many.
                "update loads set state = ?, visible_seq = ?, ended_at = ?, cursor_before = null where load_id = ?",
                (state, seq, to_text(ended_at), load_id),
            )
        return replace(load, state=state, visible_seq=seq, ended_at=ended_at)

    def undo(self, load_id: str) -> None:
        """Take back a recorded load whose spool is damaged, before anyone saw it: the cursor stands where it stood, and
        the rows it replayed are open again."""
        with self.transaction() as connection:
            load = load_row(connection, load_id)
            if load.state != "recorded":
                raise TillmillError(
                    f"load {load_id} is {load.state} and cannot be undone", state="Nothing was changed."
                )
            connection.execute(
                "update loads set state = 'discarded', ended_at = ? where load_id = ?", (to_text(now()), load_id)
            )
            connection.execute("delete from replays where load_id = ?", (load_id,))
            connection.execute("delete from kinds where load_id = ?", (load_id,))
            connection.execute(
                """update cursors set revision = cursors.revision + 1,
                    cursor = (select cursor_before from loads where load_id = ?)
                where source = ? and stream = ? and name = ?
                    and revision = (select cursor_revision from loads where load_id = ?)""",
                (load_id, load.source, load.stream, load.cursor_name, load_id),
            )

    def kinds(self, source: str, stream: str) -> list[tuple[str, str, str]]:
        """Raw field, kind of value, and the first load that had one, of all that the stream's fields have held."""
        rows = self._connection.execute(
            "select field, kind, load_id from kinds where source = ? and stream = ? order by field, kind",
            (source, stream),
        )
        return [(row["field"], row["kind"], row["load_id"]) for row in rows]

    def people_fields(self, source: str, stream: str) -> list[str]:
        """The stream's unmapped raw fields in which people were seen."""
        return [field for field, kind, _ in self.kinds(source, stream) if kind == PERSON]

    def load(self, load_id: str) -> Load | None:
        """The load of this name, whatever its state."""
        row = self._connection.execute("select * from loads where load_id = ?", (load_id,)).fetchone()
        return None if row is None else to_load(row)

    def loads(self, source: str | None = None, stream: str | None = None) -> list[Load]:
        """All loads, of one source or stream where named, in the order they were begun."""
        rows = self._connection.execute(
            """select * from loads where (? is null or source = ?) and (? is null or stream = ?) order by load_seq""",
            (source, source, stream, stream),
        )
        return [to_load(row) for row in rows]

    def unfinished(self, source: str | None = None, stream: str | None = None) -> list[Load]:
        """Loads that were recorded but whose files may not be in place, oldest first."""
        rows = self._connection.execute(
            """select * from loads
            where state = 'recorded' and (? is null or source = ?) and (? is null or stream = ?) order by load_seq""",
            (source, source, stream, stream),
        )
        return [to_load(row) for row in rows]

    def last_load(self, source: str, stream: str, at_least: int = 0) -> Load | None:
        """The stream's newest visible load that pulled `at_least` so many rows."""
        row = self._connection.execute(
            """select * from loads where source = ? and stream = ? and state = 'visible' and pulled >= ?
            order by visible_seq desc limit 1""",
            (source, stream, at_least),
        ).fetchone()
        return None if row is None else to_load(row)

    def known_files(self, source: str, stream: str) -> dict[Path, State]:
        """Every file of the stream's loads (landed and quarantined, relative to the workspace) and its load's state."""
        rows = self._connection.execute(
            "select file, quarantine_file, state from loads where source = ? and stream = ?", (source, stream)
        )
        return {Path(name): row["state"] for row in rows for name in (row["file"], row["quarantine_file"]) if name}

    def streams(self) -> list[tuple[str, str]]:
        """Every (source, stream) that has loads."""
        rows = self._connection.execute("select distinct source, stream from loads order by source, stream")
        return [(row["source"], row["stream"]) for row in rows]

    def input_seqs(self) -> dict[str, int]:
        """The highest visible_seq of each source's stream, learnt streams aside: what a build's inputs are."""
        rows = self._connection.execute(
            """select source, stream, max(visible_seq) as seq from loads
            where state = 'visible' and candidate is null group by source, stream order by source, stream"""
        )
        return {f"{row['source']} {row['stream']}": row["seq"] for row in rows}

    def watermark(self, source: str, stream: str) -> datetime | None:
        """The highest event time among the stream's visible loads."""
        row = self._connection.execute(
            "select max(watermark_at) as at from loads where source = ? and stream = ? and state = 'visible'",
            (source, stream),
        ).fetchone()
        return to_time(row["at"])


def _move_cursor(connection: sqlite3.Connection, load: Load, read: Cursor, cursor: dict[str, Any] | None) -> None:
    text = json.dumps(cursor, ensure_ascii=False)
    named = (load.source, load.stream, load.cursor_name)
    if read.revision == 0:
        moved = connection.execute(
            """insert into cursors (source, stream, name, cursor, revision) values (?, ?, ?, ?, 1)
            on conflict do nothing""",
            (*named, text),
        )
    else:
        moved = connection.execute(
            """update cursors set cursor = ?, revision = revision + 1
            where source = ? and stream = ? and name = ? and revision = ?""",
            (text, *named, read.revision),
        )
    if moved.rowcount != 1:
        raise CursorMovedError(
            f"{load.source} {load.stream}: another run has moved the cursor since this one read it",
            state="Nothing of this load is recorded; what the other run landed stays.",
            next_command="tillmill run",
        )


def _replay(connection: sqlite3.Connection, load: Load, replays: Sequence[Place]) -> None:
    if len(replays) != load.landed or load.quarantined != -load.landed:
        raise ContractError(
            f"{load.source} {load.stream}: {len(replays):,} rows leave quarantine, but {load.landed:,} land",
            state="Nothing of this replay is recorded.",
        )
    is_dismissed = "select 1 from dismissals where load_id = ? and row = ?"
    if any(connection.execute(is_dismissed, place).fetchone() for place in replays):
        raise CursorMovedError(
            f"{load.source} {load.stream}: some of these rows were dismissed since they were read",
            state="Nothing of this replay is recorded; what was dismissed stays so.",
            next_command="tillmill quarantine replay",
        )
    try:
        connection.executemany(
            "insert into replays (replay_of, row, load_id) values (?, ?, ?)",
            [(place.load_id, place.row, load.load_id) for place in replays],
        )
    except sqlite3.IntegrityError as error:
        raise CursorMovedError(
            f"{load.source} {load.stream}: another replay has landed some of these rows",
            state="Nothing of this replay is recorded; what the other one landed stays.",
            next_command="tillmill quarantine replay",
        ) from error


def _only_candidate(connection: sqlite3.Connection, candidate: str) -> None:
    other = connection.execute(
        "select candidate from loads where candidate <> ? and state in ('recorded', 'pending') limit 1", (candidate,)
    ).fetchone()
    if other is not None:
        raise TillmillError(
            f"candidate {other['candidate']} still has pending loads, so {candidate} cannot land its own",
            state="Nothing was recorded.",
            next_command="discard or publish the older candidate first (tillmill run does it at its start)",
        )
