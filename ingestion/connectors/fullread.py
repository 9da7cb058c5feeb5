"""What the last full read of a table held: keyed digests in a file that tells changed rows from known and gone ones."""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ingestion.connectors.sqlcursor import marks_of
from ingestion.privacy.keyfiles import SourceKeys
from ingestion.privacy.seal import mark_of, seal, unseal

SCHEMA = """create table if not exists rows (
    key blob primary key, mark text not null, page integer not null, sealed text
) without rowid"""


@dataclass
class FullRead:
    """A full read in progress: what it has met so far (`main`), and what the last one held (`old`).

    Both are files of `folder`; the cursor names them, so a pull that was killed leaves nothing that is believed. A file
    that was lost costs a pull that lands every row again, by the same keys.
    """

    folder: Path
    name: str
    keys: SourceKeys
    connection: sqlite3.Connection

    def changed(self, page: int, keys: pl.DataFrame, records: pl.DataFrame, keep_keys: bool) -> pl.Series:
        """Which of a page's rows are new or not what they were; remembers all of them."""
        texts = [json.dumps(row, ensure_ascii=False) for row in keys.iter_rows()]
        digests = [_digest(text, self.keys.marking) for text in texts]
        marks = marks_of(records, self.keys.marking)
        sealed: list[str | None] = [None] * len(texts)
        if keep_keys:
            # A key may be a person's; a tombstone needs it in clear.
            sealed = seal(list(texts), self.keys.sealing, self.name.partition("-")[0], [""] * len(texts))
        rows = list(zip(digests, marks, [page] * len(texts), sealed, strict=True))
        with self.connection:
            self.connection.executemany("insert or replace into main.rows values (?, ?, ?, ?)", rows)
        asked = "select mark from old.rows where key = ?"
        before = (self.connection.execute(asked, (digest,)).fetchone() for digest in digests)
        fresh = [found is None or found[0] != mark for found, mark in zip(before, marks, strict=True)]
        return pl.Series(fresh, dtype=pl.Boolean)

    def counts(self) -> tuple[int, int]:
        """Rows of the last full read, and how many of them this one did not meet."""
        held = self.connection.execute("select count(*) from old.rows").fetchone()[0]
        gone = self.connection.execute("select count(*) from old.rows where key not in (select key from main.rows)")
        return held, gone.fetchone()[0]

    def gone(self, rows: int) -> Iterator[list[list[str]]]:
        """The keys that are no longer there, `rows` at a time."""
        asked = self.connection.execute(
            "select sealed from old.rows where key not in (select key from main.rows) and sealed is not null"
        )
        while some := asked.fetchmany(rows):
            context = self.name.partition("-")[0]
            yield [json.loads(unseal(sealed, self.keys.sealing, context)) for (sealed,) in some]

    def forget_from(self, page: int) -> None:
        """Drops what was met from a page on: it never landed, and will be read again."""
        with self.connection:
            self.connection.execute("delete from main.rows where page >= ?", (page,))


@contextmanager
def open_full_read(folder: Path, old: str, new: str, keys: SourceKeys) -> Iterator[FullRead]:
    """A full read beside the last one's file `old` ('' for none), going on with `new` where that is named.

    Names begin with what is the stream's alone; files that begin so and that its cursor no longer names are removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    owner = (new or old).partition("-")[0] or secrets.token_hex(8)
    if old or new:
        for path in folder.glob(f"{owner}-*.sqlite*"):
            if path.name not in (old, new, f"{new}-journal"):
                path.unlink(missing_ok=True)
    name = new or f"{owner}-{secrets.token_hex(8)}.sqlite"
    held = folder / old if old else None
    with closing(sqlite3.connect(folder / name, check_same_thread=False)) as connection:
        connection.execute("attach database ? as old", (str(held) if held and held.exists() else ":memory:",))
        connection.execute(SCHEMA)
        connection.execute(SCHEMA.replace("exists rows", "exists old.rows"))
        yield FullRead(folder, name, keys, connection)


def reseal(path: Path, keys: Sequence[bytes]) -> None:
    """Seals the keys that a reading remembers with the newest of `keys`, in one transaction; nobody is reading."""
    context, mark = path.name.partition("-")[0], mark_of(keys)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(SCHEMA)
        connection.create_function(
            "again", 1, lambda text: seal([unseal(text, keys, context)], keys, context, [""])[0], deterministic=True
        )
        connection.execute("update rows set sealed = again(sealed) where substr(sealed, 1, ?) <> ?", (len(mark), mark))


def _digest(text: str, key: bytes) -> bytes:
    return hashlib.blake2b(text.encode(), key=key, digest_size=16).digest()
