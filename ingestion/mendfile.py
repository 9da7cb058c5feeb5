"""Open rows as a CSV file that people mend, and what a mended file says."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from ingestion.connectors.formats.csvtext import DELIMITERS, parse
from ingestion.connectors.formats.encodings import utf8_chunks
from ingestion.connectors.page import FAULT, LINE, RESERVED
from ingestion.landing.ledger import Place
from ingestion.mending import OpenRow
from ingestion.replay import Record
from tillmill.errors import UsageError

# Columns that are no fields of the record, under names that no source gives its own.
ROW = "tillmill row"
ABOUT = (ROW, "tillmill position", "tillmill reason", "tillmill unreadable")
# What a line that could not be read has between its delimiters, to be moved to the fields where it belongs.
PART = "tillmill part"
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_rows(rows: Sequence[OpenRow], path: Path, fields: Sequence[str] = ()) -> None:
    """Write open rows as a new CSV file: columns ABOUT, then every field that one of them has.

    Where some could not be read, also the parts of their text (PART 1, 2, ...), and `fields` to fill with them.
    Text that a spreadsheet would run as a formula gets an apostrophe. Raises UsageError where the file is there.
    """
    names = list(dict.fromkeys(name for row in rows for name in row.record or {}))
    split = [parts(row.unreadable) if row.record is None else [] for row in rows]
    width = max(map(len, split), default=0)
    if any(row.record is None for row in rows):
        names = list(dict.fromkeys([*names, *fields]))
    try:
        with open(path, "x", newline="", encoding="utf-8-sig", opener=_private) as file:
            writer = csv.writer(file)
            writer.writerow([*ABOUT, *(f"{PART} {place}" for place in range(1, width + 1)), *names])
            for row, found in zip(rows, split, strict=True):
                about = [str(row.place), row.position, row.reason, row.unreadable]
                told = [(row.record or {}).get(name) or "" for name in names]
                writer.writerow([_plain(text) for text in (*about, *found, *[""] * (width - len(found)), *told)])
    except FileExistsError as error:
        raise UsageError(f"{path} is there already", state="Nothing was written.") from error


def read_rows(path: Path) -> dict[Place, Record]:
    """What a mended file says, by place: each field that stands in it, null where its cell is empty.

    Raises UsageError naming the line that cannot be read, SourceError for a file that is not UTF-8.
    """
    try:
        with path.open("rb") as file:
            frame = pl.concat(parse(utf8_chunks(file, path.name, "utf-8"), path.name), how="diagonal")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if ROW not in frame.columns:
        raise UsageError(
            f"{path} has no column {ROW!r}, which says which row each line mends",
            next_command="tillmill quarantine show SOURCE STREAM --unseal --out FILE.csv",
        )
    told: dict[Place, Record] = {}
    for line in frame.to_dicts():
        place = Place.of(line[ROW] or "")
        if place is None:
            raise UsageError(
                f"{path}:{line[LINE]}: {line.get(FAULT) or f'{ROW!r} names no row'}", state="Nothing was changed."
            )
        fields = {
            name: text
            for name, text in line.items()
            if name not in (*ABOUT, *RESERVED) and not name.startswith(f"{PART} ")
        }
        told[place] = {name: _unplain(text) for name, text in fields.items()}
    return told


def parts(text: str) -> list[str]:
    """What stands between the delimiters of a line, the sign it has most of; nothing where it has none, or is JSON."""
    if text.startswith(("{", "[")) or not any(sign in text for sign in DELIMITERS):
        return []
    delimiter = max(DELIMITERS, key=text.count)
    # The line may be here for a broken quote, which ends where the line does.
    return [part for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) for part in row]


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(("'", *FORMULA)) else text


def _unplain(text: str | None) -> str | None:
    return text[1:] if text and text.startswith("'") and text[1:].startswith(("'", *FORMULA)) else text or None


def _private(path: str, flags: int) -> int:
    """Rows may be personal: the file is for its owner alone."""
    return os.open(path, flags, 0o600)
