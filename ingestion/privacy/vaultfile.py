"""The vault's SQLite file: readable by its owner alone, every commit on disk, what is deleted overwritten."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence

from ingestion.landing.sqlitefile import SqliteFile
from tillmill.workspace import Workspace

# An entry is named as its row is in the lake, by _load_seq and _row, which a replay keeps; `landed_by` is the load that
# brings the row, whose number is never given twice. An entry lists its own tokens: no index is needed to find them.
_FIRST = """
create table loads (
    landed_by integer primary key,
    load_id text not null,
    source text not null,
    stream text not null
);
create index loads_of_stream on loads (stream, source);

create table entries (
    load_seq integer not null,
    row integer not null,
    landed_by integer not null references loads (landed_by),
    key text not null,
    tokens blob not null,
    sealed blob not null,
    primary key (load_seq, row)
) without rowid;

create table tokens (
    token blob not null,
    load_seq integer not null,
    row integer not null,
    primary key (token, load_seq, row)
) without rowid;

create table readings (
    reading integer primary key,
    at text not null,
    who text not null,
    purpose text not null,
    asked integer not null,
    found integer not null
);

create table requests (
    request integer primary key,
    kind text not null check (kind in ('forget', 'rekey')),
    phase text not null check (phase in ('asked', 'rewritten', 'done')),
    asked_at text not null,
    asked_by text not null,
    source text not null default '',
    detail blob
);

create table suppressed (
    source text not null,
    kind text not null,
    token text not null,
    request integer not null references requests (request),
    primary key (source, kind, token)
) without rowid;

create table done (
    request integer not null references requests (request),
    place text not null,
    item text not null,
    rows integer not null,
    before_sha256 text,
    after_sha256 text,
    primary key (request, place, item)
) without rowid;
"""
# Version 2: the sealing key changes too. SQLite alters no check: the table and those that refer to it are made anew.
_RESEALING = """
create table requests_2 (
    request integer primary key,
    kind text not null check (kind in ('forget', 'rekey', 'reseal')),
    phase text not null check (phase in ('asked', 'rewritten', 'done')),
    asked_at text not null,
    asked_by text not null,
    source text not null default '',
    detail blob
);
create table suppressed_2 (
    source text not null,
    kind text not null,
    token text not null,
    request integer not null references requests_2 (request),
    primary key (source, kind, token)
) without rowid;
create table done_2 (
    request integer not null references requests_2 (request),
    place text not null,
    item text not null,
    rows integer not null,
    primary key (request, place, item)
) without rowid;
insert into requests_2 select request, kind, phase, asked_at, asked_by, source, detail from requests;
insert into suppressed_2 select source, kind, token, request from suppressed;
insert into done_2 select request, place, item, rows from done;
drop table suppressed;
drop table done;
drop table requests;
alter table requests_2 rename to requests;
alter table suppressed_2 rename to suppressed;
alter table done_2 rename to done;
"""
MIGRATIONS = (_FIRST, _RESEALING)
TOKEN_BYTES = 16
# Pages of the file kept in memory, in KiB: tokens are spread all over their tree.
CACHE_KIB = 65_536
Entry = tuple[int, int]


def apart(tokens: bytes) -> list[bytes]:
    """The tokens that an entry lists."""
    return [tokens[at : at + TOKEN_BYTES] for at in range(0, len(tokens), TOKEN_BYTES)]


class VaultFile(SqliteFile):
    """One connection to the vault."""

    called = "the vault"
    migrations = MIGRATIONS
    pragmas = (*SqliteFile.pragmas, "secure_delete = on", f"cache_size = -{CACHE_KIB}")

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        workspace.vault.parent.mkdir(parents=True, exist_ok=True)
        if not workspace.vault.exists():
            # SQLite gives its log the file's own mode.
            os.close(os.open(workspace.vault, os.O_WRONLY | os.O_CREAT, 0o600))
        super().__init__(workspace.vault)

    def sweep(self, source: str, stream: str, landed: set[int]) -> int:
        """Remove the entries of the stream's loads that are not in `landed`; returns how many loads that were."""
        rows = self._connection.execute("select landed_by from loads where source = ? and stream = ?", (source, stream))
        lost = [row["landed_by"] for row in rows if row["landed_by"] not in landed]
        for landed_by in lost:
            with self.transaction() as connection:
                found = connection.execute(
                    "select load_seq, row from entries where landed_by = ?", (landed_by,)
                ).fetchall()
                self.delete(connection, [(row["load_seq"], row["row"]) for row in found])
                connection.execute("delete from loads where landed_by = ?", (landed_by,))
        return len(lost)

    def delete(self, connection: sqlite3.Connection, entries: Sequence[Entry]) -> int:
        """Delete entries with their tokens, within a transaction; returns how many there were."""
        gone = 0
        for entry in entries:
            row = connection.execute("select tokens from entries where load_seq = ? and row = ?", entry).fetchone()
            if row is not None:
                gone += 1
                connection.executemany(
                    "delete from tokens where token = ? and load_seq = ? and row = ?",
                    [(token, *entry) for token in apart(row["tokens"])],
                )
                connection.execute("delete from entries where load_seq = ? and row = ?", entry)
        return gone

    def suppressed(self) -> list[sqlite3.Row]:
        """Source ('' for all), kind and token of everything that is to be left out."""
        return list(self._connection.execute("select source, kind, token from suppressed"))

    def wipe_log(self) -> None:
        """Fold the write-ahead log into the file and empty it: what was deleted stands in neither."""
        self._connection.execute("pragma wal_checkpoint(truncate)")
