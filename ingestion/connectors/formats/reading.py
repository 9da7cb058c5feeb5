"""From a file's bytes to its records, whatever the file is packed in and written as."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import polars as pl

from ingestion.connectors.formats import csvtext, excel, jsontext, parquet, xmltext
from ingestion.connectors.formats.archives import gunzip, is_gzip, members_of, spool
from ingestion.connectors.formats.layout import Layout
from tillmill.errors import RefusedError, SourceError

Reader = Callable[[BinaryIO, str, Layout], Iterator[pl.DataFrame]]

READERS: dict[str, Reader] = {
    "csv": csvtext.read,
    "tsv": csvtext.read,
    "excel": excel.read,
    "xml": xmltext.read,
    "json": jsontext.read_document,
    "jsonl": jsontext.read_lines,
    "parquet": parquet.read,
}
ENDINGS = {
    **dict.fromkeys((".csv", ".txt"), "csv"),
    **dict.fromkeys((".tsv", ".tab"), "tsv"),
    **dict.fromkeys((".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"), "excel"),
    ".xml": "xml",
    ".json": "json",
    **dict.fromkeys((".jsonl", ".ndjson"), "jsonl"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
}


def read(source: BinaryIO, name: str, layout: Layout, folder: Path) -> Iterator[tuple[str, pl.DataFrame]]:
    """The records of a file in order, in frames, each with the name of the file it stands in.

    A gzip is read as what is in it, a zip as its members (`archive.zip/member`). Frames have text columns and LINE, and
    FAULT and RAW where a record cannot be read; cut anywhere, they hold the same rows. `folder` has room for what is
    unpacked. Raises SourceError for a file that cannot be read, RefusedError for one that must not be.
    """
    if is_gzip(source):
        with spool(folder) as unpacked:
            gunzip(source, unpacked, name, layout.most_bytes)
            if is_gzip(unpacked) or plain_name(name).lower().endswith(".zip"):
                raise RefusedError(f"{name}: an archive in an archive is not read")
            yield from _records(unpacked, name, layout)
    elif name.lower().endswith(".zip"):
        members = members_of(source, name, layout.members, layout.most_bytes, folder)
        count = 0
        for member, unpacked in members:
            count += 1
            if is_gzip(unpacked):
                raise RefusedError(f"{member}: an archive in an archive is not read")
            yield from _records(unpacked, member, layout)
        if not count:
            raise SourceError(f"{name}: no file in it fits pull.members = {layout.members!r}")
    else:
        yield from _records(source, name, layout)


def plain_name(name: str) -> str:
    """The name without the ending of gzip."""
    return name[:-3] if name.lower().endswith(".gz") else name


def _records(source: BinaryIO, name: str, layout: Layout) -> Iterator[tuple[str, pl.DataFrame]]:
    plain = plain_name(name).lower()
    ending = next((ending for ending in ENDINGS if plain.endswith(ending)), None)
    told = layout.format or (ENDINGS[ending] if ending else None)
    if told is None:
        raise SourceError(
            f"{name}: its ending names no format that is known",
            next_command=f"set pull.format to one of {', '.join(READERS)}, or narrow pull.path or pull.members",
        )
    source.seek(0)
    for frame in READERS[told](source, name, layout.model_copy(update={"format": told})):
        yield name, frame
