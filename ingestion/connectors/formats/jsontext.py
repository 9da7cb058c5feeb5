"""JSON and JSON Lines as text records: numbers stay as they are written, NaN and Infinity are none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import polars as pl

from ingestion.connectors.answers import strict_json
from ingestion.connectors.formats.archives import check_held, size_of
from ingestion.connectors.formats.encodings import utf8_chunks
from ingestion.connectors.formats.layout import Layout
from ingestion.connectors.formats.rows import frame_of, unreadable
from ingestion.connectors.records import flatten
from tillmill.errors import SourceError

MOST_LINE = 64 << 20
ROWS = 20_000


def read_document(source: BinaryIO, name: str, layout: Layout) -> Iterator[pl.DataFrame]:
    """The objects of the list at `layout.records` (dotted; without one, the document itself), flattened as in REST.

    LINE is the object's place in the list. Raises SourceError with the position where the document is broken or has no
    such list, RefusedError beyond `layout.most_held_bytes`: a document is only known to be whole
    once all of it is read.
    """
    check_held(name, "a JSON document", size_of(source), layout, "ask for JSON Lines, which is read as a stream")
    try:
        body = strict_json(b"".join(utf8_chunks(source, name, layout.encoding)))
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{name}: broken or cut off: {error}") from error
    for key in filter(None, layout.records.split(".")):
        body = body.get(key) if isinstance(body, dict) else None
    records = [body] if isinstance(body, dict) and not layout.records else body
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise SourceError(f"{name}: no list of records under {layout.records or 'the top'!r}")
    body = None
    for first in range(0, len(records), ROWS):
        rows = [flatten(record) for record in records[first : first + ROWS]]
        # What has been handed on is let go: the records as they were read take most of the room.
        records[first : first + ROWS] = [{}] * len(rows)
        yield frame_of(rows, range(first + 1, first + 1 + len(rows)))
    if not records:
        yield frame_of([], range(0))


def read_lines(source: BinaryIO, name: str, layout: Layout) -> Iterator[pl.DataFrame]:
    """One record a line; a line that is no object comes out marked, with its text.

    LINE is the line's number. Raises SourceError where the last line is cut off.
    """
    rows: list[dict[str, str | None]] = []
    numbers: list[int] = []
    for number, line, is_ended in _lines(utf8_chunks(source, name, layout.encoding), name):
        if not line.strip():
            continue
        row = _record(line)
        if row is None and not is_ended:
            raise SourceError(f"{name}:{number}: the file is cut off within its last line")
        rows.append(row if row is not None else unreadable("no JSON object", line.decode("utf-8")))
        numbers.append(number)
        if len(rows) == ROWS:
            yield frame_of(rows, numbers)
            rows, numbers = [], []
    yield frame_of(rows, numbers)


def _record(line: bytes) -> dict[str, str | None] | None:
    try:
        body: Any = strict_json(line)
    except (ValueError, RecursionError):
        return None
    return flatten(body) if isinstance(body, dict) else None


def _lines(chunks: Iterable[bytes], name: str) -> Iterator[tuple[int, bytes, bool]]:
    """Number and text of each line, and whether it has its end."""
    number, carry = 1, b""
    for chunk in chunks:
        *whole, carry = (carry + chunk).split(b"\n")
        for line in whole:
            yield number, line, True
            number += 1
        if len(carry) > MOST_LINE:
            raise SourceError(f"{name}:{number}: a line of more than {MOST_LINE:,} bytes")
    if carry:
        yield number, carry, False
