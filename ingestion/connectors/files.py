"""CSV files in a folder or on an SFTP server: each content once, in order of name, none while it is still written."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import polars as pl
from pydantic import Field, field_validator

from ingestion.connectors.connector import Connector, Settings
from ingestion.connectors.csvtext import parse, unpack
from ingestion.connectors.page import FILE, OBSERVED, Page
from ingestion.connectors.places import Place, Seen, check_pattern, open_place
from tillmill.errors import RefusedError
from tillmill.workspace import Workspace, now

UNFINISHED = (".tmp", ".temp", ".part", ".partial", ".filepart", ".uploading", ".crdownload", "~")
BATCH_FILES = 256
BATCH_BYTES = 64 << 20


class Connection(Settings):
    """`url`: a folder (relative to the workspace) or `sftp://user@host:port/folder`; the rest is for SFTP.

    `password` and `private_key` are references (`file:`, `env:`); `host_key` is the server's public key, pinned.
    """

    url: str
    password: str = ""
    private_key: str = ""
    host_key: str = ""


class Pull(Settings):
    """Which files, how they are written, and how many rows make a page (of whole files)."""

    path: str
    encoding: str = "utf-8"
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    page_rows: int = Field(default=200_000, ge=1)
    settle_seconds: float = Field(default=1.0, ge=0, description="a file younger than this is looked at again")
    most_bytes: int = Field(default=2 << 30, ge=1, description="of one file, unpacked")

    @field_validator("encoding")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            "".encode(value)
        except LookupError as error:
            raise ValueError(f"no encoding is called {value!r}") from error
        return value

    @field_validator("path")
    @classmethod
    def _inside(cls, value: str) -> str:
        try:
            return check_pattern(value)
        except RefusedError as error:
            raise ValueError(error.what) from error


def pages(workspace: Workspace, connection: Connection, pull: Pull, cursor: dict[str, Any] | None) -> Iterator[Page]:
    """Pages of whole files that are new since `cursor` ({"files": {name: [size, modified, sha]}}).

    A renamed or touched file of known content is noted and not read again; a replaced one is. Raises SourceError for a
    server that fails, a file that is not in its encoding or is cut off, RefusedError for a bomb.
    """
    known: dict[str, list[Any]] = {name: list(told) for name, told in (cursor or {}).get("files", {}).items()}
    opened = open_place(
        workspace.resolve(connection.url),
        workspace.secret(connection.password) if connection.password else "",
        workspace.secret(connection.private_key) if connection.private_key else "",
        workspace.resolve(connection.host_key),
        workspace.root,
    )
    with opened as place:
        yield from _pages(place, pull, known)


def _pages(place: Place, pull: Pull, known: dict[str, list[Any]]) -> Iterator[Page]:
    contents = {told[2] for told in known.values()}
    frames: list[pl.DataFrame] = []
    names: list[str] = []
    rows = 0
    is_changed = False
    for file, data in _new_files(place, pull, known):
        content = hashlib.sha256(data).hexdigest()[:32]
        is_changed = True
        if content not in contents:
            frame = parse(unpack(data, file.name, pull.most_bytes), file.name, pull.encoding, pull.delimiter)
            said = datetime.fromtimestamp(file.modified / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            frames.append(_with_constants(frame, {FILE: file.name, OBSERVED: said}))
            names.append(file.name)
            rows += frame.height
        known[file.name] = [file.size, file.modified, content]
        contents.add(content)
        if rows >= pull.page_rows:
            yield _page(frames, names, known)
            frames, names, rows, is_changed = [], [], 0, False
    if is_changed:
        yield _page(frames, names, known)


def _with_constants(frame: pl.DataFrame, values: dict[str, str]) -> pl.DataFrame:
    """The frame with constant columns; spelled so that thousands of small files cost no query each."""
    for name, value in values.items():
        frame.insert_column(frame.width, pl.Series(name, [value], dtype=pl.String).new_from_index(0, frame.height))
    return frame


def _page(frames: list[pl.DataFrame], names: list[str], known: dict[str, list[Any]]) -> Page:
    records = pl.concat(frames, how="diagonal") if frames else pl.DataFrame()
    position = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}" if names else "no new content"
    return Page(records, {"files": dict(known)}, now(), position)


def _new_files(place: Place, pull: Pull, known: dict[str, list[Any]]) -> Iterator[tuple[Seen, bytes]]:
    """New or changed files with their bytes, in order of name; one that changes between two looks waits its turn."""
    found = [file for file in place.look(pull.path) if _is_candidate(file, known)]
    if any(time.time() - file.modified / 1e9 < pull.settle_seconds for file in found):
        time.sleep(pull.settle_seconds)
        again = set(place.look(pull.path))
        found = [file for file in found if file in again]
    for batch in _batches(found):
        contents = place.read(batch)
        again = set(place.look(pull.path))
        for file, data in zip(batch, contents, strict=True):
            if data is not None and len(data) == file.size and file in again:
                yield file, data


def _is_candidate(file: Seen, known: dict[str, list[Any]]) -> bool:
    name = file.name.rpartition("/")[2]
    if not file.size or name.startswith(".") or name.lower().endswith(UNFINISHED):
        return False
    return known.get(file.name, [None, None])[:2] != [file.size, file.modified]


def _batches(files: list[Seen]) -> Iterator[list[Seen]]:
    batch: list[Seen] = []
    size = 0
    for file in files:
        if batch and (len(batch) >= BATCH_FILES or size + file.size > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.size
    if batch:
        yield batch


CONNECTOR = Connector(Connection, Pull, pages)
