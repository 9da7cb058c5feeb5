"""Bytes of a CSV file as text records with line numbers; a line that cannot be read comes out marked, not lost."""

from __future__ import annotations

import csv
import io
import zlib

import polars as pl

from ingestion.connectors.page import FAULT, LINE, RAW, field_name
from tillmill.errors import RefusedError, SourceError

GZIP = b"\x1f\x8b"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
CHUNK = 1 << 20
# Deflate cannot do better than about 1,030 to 1, and no table of sales comes near 200 to 1.
MOST_RATIO = 200
RATIO_MATTERS_FROM = 64 << 20

csv.field_size_limit(16 << 20)


def unpack(data: bytes, name: str, most_bytes: int) -> bytes:
    """The bytes, out of gzip if they are in it. Raises RefusedError for a bomb, SourceError for a truncated file."""
    if not data.startswith(GZIP):
        return data
    parts: list[bytes] = []
    size, rest = 0, data
    try:
        while rest:
            stream = zlib.decompressobj(wbits=31)
            pending = rest
            while pending and not stream.eof:
                part = stream.decompress(pending, CHUNK)
                pending = stream.unconsumed_tail
                size += len(part)
                if size > most_bytes or (size > RATIO_MATTERS_FROM and size > MOST_RATIO * len(data)):
                    raise RefusedError(f"{name}: unpacks to more than {size:,} bytes; nothing of it was read")
                parts.append(part)
            if not stream.eof:
                raise SourceError(f"{name}: the gzip stream ends early, after {size:,} bytes")
            rest = stream.unused_data.lstrip(b"\0")
    except zlib.error as error:
        raise SourceError(f"{name}: no valid gzip after {size:,} bytes: {error}") from error
    return b"".join(parts)


def decode(data: bytes, name: str, encoding: str) -> bytes:
    """The text as UTF-8 without byte order mark. Raises SourceError naming the byte that is not in `encoding`."""
    try:
        if encoding.lower().replace("_", "-") in {"utf-8", "utf8", "utf-8-sig"}:
            data.decode("utf-8")
            return data.removeprefix(BYTE_ORDER_MARK)
        return data.decode(encoding).encode("utf-8").removeprefix(BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{name}: byte {error.start:,} is not {encoding} ({error.reason})",
            state="Nothing of this file has landed.",
            next_command="set pull.encoding to what the file is written in, such as gb18030",
        ) from error


def parse(data: bytes, name: str, encoding: str = "utf-8", delimiter: str = ",") -> pl.DataFrame:
    """The records of one file: its header's columns as text, and LINE (the header is line 1).

    A row with too few or too many fields, or broken quotes, has null fields, its reason in FAULT and its text in RAW.
    Raises SourceError where the encoding is another or there is no header.
    """
    text = decode(data, name, encoding)
    frame = _well_formed(text, delimiter)
    return _line_by_line(text.decode("utf-8"), name, delimiter) if frame is None else frame


def _well_formed(text: bytes, delimiter: str) -> pl.DataFrame | None:
    """The whole file at once, or None unless every row provably has as many fields as the header, on a line of its own.

    Polars fills short rows with nulls without a word, so the delimiters are counted; inside quotes they cannot be, and
    there a filled last column is the proof.
    """
    first, _, _ = text.partition(b"\n")
    if not first.strip() or text.count(b"\r") != text.count(b"\r\n"):
        return None
    try:
        header = _header(next(csv.reader([first.decode("utf-8").rstrip("\r")], strict=True, delimiter=delimiter)))
        frame = pl.read_csv(text, infer_schema=False, separator=delimiter, glob=False)
    except (pl.exceptions.PolarsError, csv.Error):
        return None
    lines = text.count(b"\n") + (not text.endswith(b"\n"))
    if frame.width != len(header) or len(header) < 2 or lines != frame.height + 1:
        return None
    if b'"' in text:
        if frame.height and frame.to_series(-1).null_count():
            return None
    elif text.count(delimiter.encode()) != (frame.height + 1) * (len(header) - 1):
        return None
    frame.columns = header
    return frame.insert_column(frame.width, pl.Series(LINE, list(range(2, frame.height + 2)), dtype=pl.Int64))


def _line_by_line(text: str, name: str, delimiter: str) -> pl.DataFrame:
    """Every line accounted for, by the strict reader of the standard library."""
    lines = list(io.StringIO(text, newline=""))
    header: list[str] = []
    columns: list[list[str | None]] = []
    numbers: list[int] = []
    faults: list[str | None] = []
    raws: list[str | None] = []
    start = 0
    reader = csv.reader(iter(lines), strict=True, delimiter=delimiter)
    offset = 0
    while start < len(lines):
        fault: str | None = None
        try:
            row = next(reader, None)
            end = offset + reader.line_num
            if row is None:
                break
        except csv.Error as error:
            # A quote left open runs to the end of the file: only its first line is at fault, the next is a new start.
            row, fault, end = [], f"broken quotes: {error}", start + 1
            offset = end
            reader = csv.reader(iter(lines[end:]), strict=True, delimiter=delimiter)
        raw = "".join(lines[start:end]).rstrip("\r\n")
        number, start = start + 1, end
        if not row and fault is None:
            continue
        if not header:
            if fault:
                raise SourceError(f"{name}:{number}: the header cannot be read: {fault}")
            header = _header(row)
            columns = [[] for _ in header]
            continue
        if fault is None and len(row) != len(header):
            fault = f"{len(row)} fields where the header has {len(header)}"
        numbers.append(number)
        faults.append(fault)
        raws.append(raw if fault else None)
        for place, column in enumerate(columns):
            column.append(row[place] or None if fault is None else None)
    if not header:
        raise SourceError(f"{name}: no header; the file has no text")
    frame = pl.DataFrame(dict(zip(header, columns, strict=True)), schema=dict.fromkeys(header, pl.String))
    frame = frame.with_columns(pl.Series(LINE, numbers, dtype=pl.Int64))
    if not any(faults):
        return frame
    return frame.with_columns(pl.Series(FAULT, faults, dtype=pl.String), pl.Series(RAW, raws, dtype=pl.String))


def _header(names: list[str]) -> list[str]:
    """Column names, trimmed and made different from each other."""
    found: list[str] = []
    for place, name in enumerate(names, start=1):
        plain = field_name(name.strip() or f"column_{place}")
        same = sum(1 for other in found if other == plain or other.startswith(f"{plain}__"))
        found.append(f"{plain}__{same + 1}" if same else plain)
    return found
