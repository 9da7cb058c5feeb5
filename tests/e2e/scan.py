"""Looks for people in clear in every byte of a folder: raw, decoded, in UTF-8 and UTF-16, in every table and column."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

CHUNK = 8 << 20
OVERLAP = 256
PHONE = re.compile(rb"[0-9](?:[ \-().]{0,2}[0-9]){9,14}(?![0-9])")
# From the @ on, then back: a search for what may stand before it goes astray in long encrypted texts.
DOMAIN = re.compile(rb"@[A-Za-z0-9.\-]{1,80}\.[A-Za-z]{2,}")
BEFORE = re.compile(rb"[A-Za-z0-9._%+\-]{1,64}$")
# Two Chinese letters are four bytes in UTF-16: in packed bytes they are met by chance.
SHORTEST_WIDE = 3


@dataclass(frozen=True)
class People:
    """The phones (national digits), e-mails (lower case) and names that must be nowhere."""

    phones: frozenset[str]
    emails: frozenset[str]
    names: tuple[str, ...]

    def found_in(self, data: bytes) -> set[str]:
        """Every one of them that the bytes hold, in UTF-8 or in UTF-16."""
        found: set[str] = set()
        for start in range(0, max(1, len(data)), CHUNK):
            chunk = data[start : start + CHUNK + OVERLAP]
            found |= self._narrow(chunk) | self._names(chunk)
            if b"\0" in chunk:
                # ASCII in UTF-16 of either order.
                found |= self._narrow(chunk.replace(b"\0", b""))
        return found

    def _narrow(self, data: bytes) -> set[str]:
        digits = (re.sub(rb"[^0-9]", b"", match).decode() for match in PHONE.findall(data))
        phones = {run[-length:] for run in digits for length in (10, 11)} & self.phones
        emails = {
            (before.group() + domain.group()).decode().lower()
            for domain in DOMAIN.finditer(data)
            if (before := BEFORE.search(data[max(0, domain.start() - 64) : domain.start()]))
        }
        return phones | (emails & self.emails)

    def _names(self, data: bytes) -> set[str]:
        patterns = {name.encode().decode("latin-1"): name for name in self.names}
        for name in self.names:
            if len(name) >= SHORTEST_WIDE:
                patterns |= {name.encode(order).decode("latin-1"): name for order in ("utf-16-le", "utf-16-be")}
        text = pl.Series([data.decode("latin-1")])
        return {patterns[match] for match in text.str.extract_many(list(patterns)).explode().drop_nulls()}


def people_of(truth: Path) -> People:
    """The people of a demo's world."""
    crowd = pl.concat([pl.read_parquet(truth / f"{name}.parquet") for name in ("households", "strangers")])
    phones = crowd["phone"].str.strip_prefix("+86").str.strip_prefix("+1")
    names = pl.concat([crowd["name"], crowd["latin_name"]]).unique().sort()
    return People(frozenset(phones), frozenset(crowd["email"].str.to_lowercase()), tuple(names))


def scan(people: People, folder: Path, *, but: tuple[str, ...] = ()) -> dict[str, set[str]]:
    """Who is found where: place (file, or file and table) to what was found; `but` are folders not to look into."""
    found: dict[str, set[str]] = {}
    waiting: list[tuple[str, bytes]] = []
    size = 0

    def look() -> None:
        # Many small pieces are looked through as one, and one by one only where somebody is in them.
        if people.found_in(b"\n".join(data for _, data in waiting)):
            found.update({place: some for place, data in waiting if (some := people.found_in(data))})
        waiting.clear()

    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not name.startswith(but):
            for place, data in contents(path):
                waiting.append((f"{name}{place}", data))
                size += len(data)
                if size >= CHUNK:
                    look()
                    size = 0
    look()
    return found


def contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """The file's bytes, and where they are a table's, everything in it as text."""
    yield "", path.read_bytes()
    head = path.read_bytes()[:16]
    if head[:4] == b"PAR1":
        for column in pl.read_parquet(path).iter_columns():
            yield f" {column.name}", _text(column)
    elif head.startswith(b"SQLite format 3"):
        yield from _sqlite(path)
    elif head[8:12] == b"DUCK":
        with duckdb.connect(str(path), read_only=True) as connection:
            tables = connection.execute("select table_name from duckdb_tables()").fetchall()
            for (table,) in tables:
                for column in connection.table(f'"{table}"').pl().iter_columns():
                    yield f" {table}.{column.name}", _text(column)


def _text(column: pl.Series) -> bytes:
    return "\n".join(column.cast(pl.String, strict=False).drop_nulls().unique()).encode()


def _sqlite(path: Path) -> Iterator[tuple[str, bytes]]:
    # Through SQLite itself: what stands in the write-ahead log alone is read too.
    connection = sqlite3.connect(path)
    connection.text_factory = bytes
    try:
        for (table,) in connection.execute("select name from sqlite_schema where type = 'table'").fetchall():
            rows = connection.execute(f'select * from "{table.decode()}"').fetchall()
            cells = (cell if isinstance(cell, bytes) else str(cell).encode() for row in rows for cell in row)
            yield f" {table.decode()}", b"\n".join(cells)
    finally:
        connection.close()
