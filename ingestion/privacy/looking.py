"""Looks for a person in a file as its source sent it, packed or not."""

from __future__ import annotations

import codecs
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator

import polars as pl

from ingestion.connectors.formats.archives import GZIP, check_zip, gunzip
from tillmill.errors import TillmillError

ZIP, PARQUET = b"PK\x03\x04", b"PAR1"
# What unpacks to more is not looked into: it would be held in memory.
MOST_UNPACKED = 256 << 20
MOST_DEPTH = 3
WIDE = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# What a packed file can be broken by, whoever packed it.
BROKEN = (
    *(TillmillError, zipfile.BadZipFile, zlib.error, pl.exceptions.PolarsError),
    *(ValueError, EOFError, OSError, NotImplementedError, RuntimeError),
)


class UnreadableError(Exception):
    """The file is in no form that can be looked into."""


def holds(data: bytes, pattern: re.Pattern[bytes], says: Callable[[str], bool] | None) -> bool:
    """Whether the pattern (in UTF-8) stands in the file, or `says` knows one of its lines.

    gzip, zip, workbooks that are zips (.xlsx, .ods) and Parquet are looked into. Raises UnreadableError for other
    binary files (.xls, .xlsb), for what is broken or encrypted, and for what unpacks to more than MOST_UNPACKED.
    """
    try:
        return any(
            pattern.search(text) or (says is not None and any(says(line) for line in _lines(text)))
            for text in _texts(data, MOST_DEPTH)
        )
    except BROKEN as error:
        raise UnreadableError(type(error).__name__) from error


def _lines(text: bytes) -> list[str]:
    return text.decode("utf-8", errors="replace").splitlines()


def _texts(data: bytes, depth: int) -> Iterator[bytes]:
    """What stands in the file as text in UTF-8, part by part."""
    if not depth:
        raise UnreadableError("archives in archives")
    if data.startswith(GZIP):
        unpacked = io.BytesIO()
        gunzip(io.BytesIO(data), unpacked, "", MOST_UNPACKED)
        yield from _texts(unpacked.getvalue(), depth - 1)
    elif data.startswith(ZIP):
        members = check_zip(io.BytesIO(data), "", MOST_UNPACKED)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in members:
                yield member.filename.encode()
                yield from _texts(archive.read(member), depth - 1)
    elif data.startswith(PARQUET):
        yield pl.read_parquet(io.BytesIO(data)).select(pl.all().cast(pl.String, strict=False)).write_csv().encode()
    elif wide := next((encoding for mark, encoding in WIDE.items() if data.startswith(mark)), None):
        yield data.decode(wide).encode()
    elif b"\0" in data:
        raise UnreadableError("no text")
    else:
        yield data
        # The second byte of a Chinese sign may be a letter, which would seem to belong to the word behind it.
        try:
            data.decode()
        except UnicodeDecodeError:
            yield data.decode("gb18030", errors="replace").encode()
