"""CSV text as records with line numbers, a piece at a time; a line that cannot be read comes out marked, not lost."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

import polars as pl

from ingestion.connectors.formats.encodings import utf8_chunks
from ingestion.connectors.formats.layout import Layout
from ingestion.connectors.page import FAULT, LINE, RAW, field_name
from tillmill.errors import SourceError

MOST_LINE_BYTES = 256 << 20
CUT_OFF = "unexpected end of data"
DELIMITERS = (";", "\t", "|", ",")

csv.field_size_limit(16 << 20)


def read(source: BinaryIO, name: str, layout: Layout) -> Iterator[pl.DataFrame]:
    """The records of one file, see `parse`."""
    delimiter = layout.delimiter or ("\t" if layout.format == "tsv" else ",")
    return parse(utf8_chunks(source, name, layout.encoding), name, delimiter, layout.header_row, layout.columns)


def parse(
    chunks: Iterable[bytes], name: str, delimiter: str = ",", header_row: int = 1, columns: Sequence[str] = ()
) -> Iterator[pl.DataFrame]:
    """The records of one file of UTF-8 text: its header's columns as text, and LINE (the file's first line is 1).

    A row with too few or too many fields, or broken quotes, has null fields, its reason in FAULT and its text in RAW.
    Where the file is cut into pieces changes nothing. Raises SourceError where there is no header.
    """
    header, line, carry = column_names(list(columns)), 1, b""
    is_started = False
    for chunk, is_last in _with_last(chunks):
        cut = len(chunk) if is_last else _last_line_end(chunk)
        text, after = b"".join((carry, memoryview(chunk)[:cut])), chunk[cut:]
        if not cut and not is_last:
            carry = text + after
            if len(carry) > MOST_LINE_BYTES:
                raise SourceError(f"{name}:{line}: a line of more than {MOST_LINE_BYTES:,} bytes")
            continue
        if not is_started:
            text, line, is_started = _without_preamble(text, header_row), header_row, True
        found = _well_formed(text, header, line, delimiter)
        if found is None:
            found = _line_by_line(text.decode("utf-8"), header, line, delimiter, name, is_last)
        header, line, carry = found.header, found.next_line, found.rest + after
        if header:
            yield found.frame()
    if not header:
        raise SourceError(f"{name}: no header; the file has no text")


@dataclass
class _Found:
    """Records of one piece, the text of a record that goes on in the next, and the line that one starts on."""

    header: list[str]
    records: pl.DataFrame
    lines: pl.Series
    next_line: int
    faults: list[str | None] = field(default_factory=list)
    raws: list[str | None] = field(default_factory=list)
    rest: bytes = b""

    def frame(self) -> pl.DataFrame:
        """The records with LINE, and where any is at fault with FAULT and RAW."""
        frame = self.records.insert_column(self.records.width, self.lines.alias(LINE))
        if any(self.faults):
            frame.insert_column(frame.width, pl.Series(FAULT, self.faults, dtype=pl.String))
            frame.insert_column(frame.width, pl.Series(RAW, self.raws, dtype=pl.String))
        return frame


def _well_formed(text: bytes, header: list[str], line: int, delimiter: str) -> _Found | None:
    """The whole piece at once, or None unless every row provably has as many fields as the header, on its own line.

    Polars fills short rows with nulls without a word, so the delimiters are counted; inside quotes they cannot be, and
    there a filled last column is the proof.
    """
    if text.count(b"\r") != text.count(b"\r\n"):
        return None
    names, has_header = header, not header
    try:
        if has_header:
            first, _, _ = text.partition(b"\n")
            names = column_names(next(csv.reader([first.decode().rstrip("\r")], strict=True, delimiter=delimiter), []))
            frame = pl.read_csv(text, infer_schema=False, separator=delimiter, glob=False)
        else:
            told = dict.fromkeys(names, pl.String)
            frame = pl.read_csv(text, has_header=False, schema=told, separator=delimiter, glob=False)
    except (pl.exceptions.PolarsError, csv.Error):
        return None
    lines = text.count(b"\n") + (not text.endswith(b"\n"))
    if frame.width != len(names) or len(names) < 2 or lines != frame.height + has_header:
        return None
    if b'"' in text:
        if frame.height and frame.to_series(-1).null_count():
            return None
    elif text.count(delimiter.encode()) != lines * (len(names) - 1):
        return None
    frame.columns = names
    numbers = list(range(line + has_header, line + lines))
    return _Found(names, frame, pl.Series(LINE, numbers, dtype=pl.Int64), line + lines)


def _line_by_line(text: str, header: list[str], line: int, delimiter: str, name: str, is_last: bool) -> _Found:
    """Every line accounted for, by the strict reader of the standard library."""
    lines = list(io.StringIO(text, newline=""))
    columns: list[list[str | None]] = [[] for _ in header]
    numbers: list[int] = []
    faults: list[str | None] = []
    raws: list[str | None] = []
    start = 0
    reader = csv.reader(iter(lines), strict=True, delimiter=delimiter)
    offset = 0
    better = _better(header, delimiter)
    while start < len(lines):
        fault: str | None = None
        try:
            row = next(reader, None)
            end = offset + reader.line_num
            if row is None:
                break
        except csv.Error as error:
            if not is_last and CUT_OFF in str(error):
                break
            # A quote left open runs to the end of the file: only its first line is at fault, the next is a new start.
            row, fault, end = [], f"broken quotes: {error}", start + 1
            offset = end
            reader = csv.reader(iter(lines[end:]), strict=True, delimiter=delimiter)
        raw = "".join(lines[start:end]).rstrip("\r\n")
        number, start = line + start, end
        if not row and fault is None:
            continue
        if not header:
            if fault:
                raise SourceError(f"{name}:{number}: the header cannot be read: {fault}")
            header = column_names(row)
            better = _better(header, delimiter)
            columns = [[] for _ in header]
            continue
        if fault is None and len(row) != len(header):
            fault = f"{len(row)} fields where the header has {len(header)}{better}"
        numbers.append(number)
        faults.append(fault)
        raws.append(raw if fault else None)
        for place, column in enumerate(columns):
            column.append(row[place] or None if fault is None else None)
    records = pl.DataFrame(dict(zip(header, columns, strict=True)), schema=dict.fromkeys(header, pl.String))
    rest = "".join(lines[start:]).encode("utf-8")
    return _Found(header, records, pl.Series(LINE, numbers, dtype=pl.Int64), line + start, faults, raws, rest)


def _better(header: Sequence[str], delimiter: str) -> str:
    """What to say where another delimiter would cut the header into more columns than this one did."""
    count, sign = max((sum(name.count(sign) for name in header), sign) for sign in DELIMITERS if sign != delimiter)
    return f": {say_delimiter(sign)}" if count >= len(header) > 0 else ""


def say_delimiter(sign: str) -> str:
    """What to set so that lines are cut at this sign."""
    return f"set pull.delimiter = {json.dumps(sign)}, which cuts the header into more columns"


def column_names(names: list[str]) -> list[str]:
    """Column names, trimmed and made different from each other."""
    found: list[str] = []
    for place, name in enumerate(names, start=1):
        plain = field_name(name.strip() or f"column_{place}")
        same = sum(1 for other in found if other == plain or other.startswith(f"{plain}__"))
        found.append(f"{plain}__{same + 1}" if same else plain)
    return found


def _without_preamble(text: bytes, header_row: int) -> bytes:
    """The text from its header on."""
    start = 0
    for _ in range(header_row - 1):
        start = text.find(b"\n", start) + 1 or len(text)
    return text[start:] if start else text


def _last_line_end(text: bytes) -> int:
    """Where the last whole line of a piece ends; 0 where none does."""
    # A carriage return at the very end may be the first half of a line end.
    return text.rfind(b"\n") + 1 or text.rfind(b"\r", 0, len(text) - 1) + 1


def _with_last(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each chunk, and whether it is the last; one empty chunk where there are none."""
    waiting: bytes | None = None
    for chunk in chunks:
        if waiting is not None:
            yield waiting, False
        waiting = chunk
    yield waiting or b"", True
