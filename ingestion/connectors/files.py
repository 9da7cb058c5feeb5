"""Files in a folder, on a file server or in an object store: each content once, in order of name, none unfinished."""

from __future__ import annotations

import fnmatch
import hashlib
import io
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl
from pydantic import Field, field_validator

from ingestion.connectors.connector import Connector, Window
from ingestion.connectors.file_cursor import FileCursor
from ingestion.connectors.formats.archives import size_of, spool
from ingestion.connectors.formats.layout import Layout
from ingestion.connectors.formats.reading import read
from ingestion.connectors.page import FILE, OBSERVED, Original, Page
from ingestion.connectors.places.opening import Connection, open_place
from ingestion.connectors.places.place import Place, Seen, check_pattern
from tillmill.errors import RefusedError, SourceError, TillmillError, UsageError
from tillmill.workspace import Workspace, now

UNFINISHED = (".tmp", ".temp", ".part", ".partial", ".filepart", ".uploading", ".crdownload", "~")
DATE_IN_NAME = re.compile(r"(?<![0-9])((?:19|20)[0-9]{2})[-_.]?([01][0-9])[-_.]?([0-3][0-9])(?![0-9])")
BATCH_FILES = 256
# Files are read together up to so many bytes; a larger one is copied to the disk, read in pieces, and no original kept.
BATCH_BYTES = 64 << 20
# How far a server's clock may be off, and a time cut to whole seconds or minutes: a younger file is looked at twice.
SLACK_SECONDS = 60.0
MOST_NAMED = 5
MEND = "mend the file, or name it in pull.ignore"


class Pull(Layout):
    """Which files (`path`, a pattern; `ignore` leaves some out), how they are written, and how many rows make a page.

    A file is whole when its size and time stay the same for `settle_seconds`, or once another file says so: `marker` is
    that file's name, with `{name}` (`x.csv`) or `{stem}` (`x`) in it. A file's time, for `since` and `until`, is the
    date in its name, else when it was last written.
    """

    path: str
    ignore: list[str] = Field(default_factory=list)
    marker: str = ""
    page_rows: int = Field(default=200_000, ge=1)
    settle_seconds: float = Field(default=1.0, ge=0, description="between the two looks at a young file")
    since: datetime | None = Field(default=None, description="only files of this time or later")
    until: datetime | None = Field(default=None, description="only files of an earlier time")

    @field_validator("path")
    @classmethod
    def _inside(cls, value: str) -> str:
        try:
            return check_pattern(value)
        except RefusedError as error:
            raise ValueError(error.what) from error

    @field_validator("marker")
    @classmethod
    def _names_the_file(cls, value: str) -> str:
        if value and "{name}" not in value and "{stem}" not in value:
            raise ValueError('marker needs {name} or {stem} in it, such as "{name}.done"')
        if "/" in value:
            raise ValueError("marker is the name of a file in the same folder")
        return value


def pages(workspace: Workspace, connection: Connection, pull: Pull, cursor: dict[str, Any] | None) -> Iterator[Page]:
    """Pages of the records of files that are new since `cursor` (see FileCursor); a page may end within a large file.

    A renamed or touched file of known content is noted and not read again; a replaced one is. A file that cannot be
    read, or must not be, is set aside. Raises SourceError naming those when all others have been read, and for a
    server that fails.
    """
    with open_place(workspace, connection) as place:
        yield from _pages(place, pull, FileCursor.of(cursor), workspace.run)


def _pages(place: Place, pull: Pull, memory: FileCursor, folder: Path) -> Iterator[Page]:
    page, is_news = _NextPage(), False
    aside: list[tuple[str, TillmillError]] = []
    found = place.look(pull.path)
    memory.keep(found)
    for file, source, data in _new_files(place, pull, memory, found, folder):
        is_news = True
        digest = hashlib.file_digest(source, "sha256")  # type: ignore[arg-type]  # any stream with readinto will do
        content = digest.digest()
        if memory.has_read(content):
            memory.note(file, content)
            continue
        original = Original(file.name, digest.hexdigest(), data) if data is not None else None
        done = memory.rows_read(content)
        frames: list[pl.DataFrame] = []
        try:
            for name, frame in _after(done, read(source, file.name, pull, folder)):
                if page.rows + sum(part.height for part in frames) >= pull.page_rows:
                    page.take(file.name, frames, original)
                    frames, original = [], None
                    memory.note_part(content, done)
                    yield page.close(memory, aside)
                frames.append(_named(frame, name, file))
                done += frame.height
        except UsageError:
            raise
        except Exception as error:
            # A defect of ours in one file is no reason to keep back the others either.
            aside.append((file.name, _in_words(file.name, error, memory.rows_read(content))))
            continue
        page.take(file.name, frames, original)
        memory.note(file, content)
        if page.rows >= pull.page_rows or page.original_bytes >= BATCH_BYTES:
            yield page.close(memory, aside)
            is_news = False
    if is_news:
        yield page.close(memory, aside)
    if aside:
        raise _all_of(aside)


@dataclass
class _NextPage:
    """The page being filled."""

    frames: list[pl.DataFrame] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    originals: list[Original] = field(default_factory=list)
    rows: int = 0
    original_bytes: int = 0

    def take(self, name: str, frames: list[pl.DataFrame], original: Original | None) -> None:
        self.frames += frames
        self.names.append(name)
        self.rows += sum(frame.height for frame in frames)
        if original is not None:
            self.originals.append(original)
            self.original_bytes += len(original.data)

    def close(self, memory: FileCursor, aside: list[tuple[str, TillmillError]]) -> Page:
        """The page as it is, with what was set aside so far; the next one begins empty."""
        first, last = (self.names[0], self.names[-1]) if self.names else ("no new content", "")
        position = f"{first} to {last}" if len(self.names) > 1 else first
        records = pl.concat(self.frames, how="diagonal") if self.frames else pl.DataFrame()
        unread = tuple(f"{error.what} ({error.next_command or MEND})" for _, error in aside)
        page = Page(records, memory.told(), now(), position, tuple(self.originals), unread=unread)
        self.__init__()  # type: ignore[misc]
        return page


def _after(rows: int, frames: Iterator[tuple[str, pl.DataFrame]]) -> Iterator[tuple[str, pl.DataFrame]]:
    """The frames without the first `rows` records, which an earlier pull has handed on."""
    for name, frame in frames:
        if rows >= frame.height:
            rows -= frame.height
            # One frame at least: a file's header says its columns even where no record is left.
            yield name, frame.clear()
        else:
            yield name, frame.slice(rows) if rows else frame
            rows = 0


def _named(frame: pl.DataFrame, name: str, file: Seen) -> pl.DataFrame:
    """The frame with FILE and OBSERVED; spelled so that thousands of small files cost no query each."""
    constants = {FILE: name} if FILE not in frame.columns else {}
    if file.modified:
        constants[OBSERVED] = datetime.fromtimestamp(file.modified / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    for column, value in constants.items():
        frame.insert_column(frame.width, pl.Series(column, [value], dtype=pl.String).new_from_index(0, frame.height))
    return frame


def _new_files(
    place: Place, pull: Pull, memory: FileCursor, found: list[Seen], folder: Path
) -> Iterator[tuple[Seen, BinaryIO, bytes | None]]:
    """New or changed files with a stream of their bytes, and the bytes of those that are not large; in order of name.

    One that changes between two looks waits its turn.
    """
    wanted = [file for file in _candidates(place, pull, found) if not memory.knows(file) and _is_of_time(file, pull)]
    settled_before = time.time() - pull.settle_seconds - SLACK_SECONDS
    if not pull.marker and any(file.modified / 1e9 > settled_before or not file.modified for file in wanted):
        time.sleep(pull.settle_seconds)
        same = place.again(wanted)
        wanted = [file for file in wanted if file in same]
    for batch in _batches(wanted):
        if batch[0].size > BATCH_BYTES:
            [file] = batch
            with spool(folder) as copy:
                if place.copy(file, copy) and size_of(copy) == file.size and file in place.again(batch):
                    yield file, copy, None
            continue
        contents: dict[Seen, bytes | None] = {}
        place.read(batch, contents)
        same = place.again(batch)
        for file in batch:
            data = contents.pop(file)
            if data is not None and len(data) == file.size and file in same:
                yield file, io.BytesIO(data), data


def _candidates(place: Place, pull: Pull, found: list[Seen]) -> Iterator[Seen]:
    """The files that are whole by their name, or by their marker's being there, and that are not markers themselves."""
    path, _, pattern = pull.path.rpartition("/")
    is_there: set[str] = set()
    markers: dict[str, str] = {}
    if pull.marker:
        of_pattern = _marker_of(pattern, pull.marker)
        is_there = {file.name for file in place.look(f"{path}/{of_pattern}" if path else of_pattern)}
        markers = {file.name: _marker_of(file.name, pull.marker) for file in found}
    for file in found:
        name = file.name.rpartition("/")[2]
        if not file.size or name.startswith(".") or name.lower().endswith(UNFINISHED):
            continue
        if any(fnmatch.fnmatchcase(text, ignored) for ignored in pull.ignore for text in (name, file.name)):
            continue
        if not pull.marker or (markers[file.name] in is_there and file.name not in markers.values()):
            yield file


def _marker_of(path: str, marker: str) -> str:
    """The path of a file's marker, or the pattern of the markers of a pattern's files."""
    folder, slash, name = path.rpartition("/")
    return folder + slash + marker.replace("{name}", name).replace("{stem}", name.rpartition(".")[0] or name)


def _is_of_time(file: Seen, pull: Pull) -> bool:
    if pull.since is None and pull.until is None:
        return True
    at = file_time(file)
    return (pull.since is None or at >= _in_utc(pull.since)) and (pull.until is None or at < _in_utc(pull.until))


def file_time(file: Seen) -> datetime:
    """The date in the file's name (2026-01-31, 20260131), the last one where there are several, else its own time."""
    for year, month, day in reversed(DATE_IN_NAME.findall(file.name.rpartition("/")[2])):
        try:
            return datetime(int(year), int(month), int(day), tzinfo=UTC)
        except ValueError:
            continue
    return datetime.fromtimestamp(file.modified / 1e9, UTC)


def _in_utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def narrowed(pull: Pull, window: Window) -> Pull:
    """The pull of the files of that time."""
    return pull.model_copy(update={"since": window.since, "until": window.until})


def _batches(files: list[Seen]) -> Iterator[list[Seen]]:
    """Files to read together; a large one comes alone."""
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


def _in_words(name: str, error: Exception, landed: int) -> TillmillError:
    """Why a file was set aside, and what of it stands."""
    state = f"Its first {landed:,} records have landed." if landed else "Nothing of it has landed."
    what, following = f"{name}: {type(error).__name__}: {error}", ""
    if isinstance(error, TillmillError):
        what, following = error.what, error.next_command
    return SourceError(what, state=state, next_command=following)


def _all_of(aside: list[tuple[str, TillmillError]]) -> SourceError:
    """The first file set aside in full, the others by name."""
    _, first = aside[0]
    names = [name for name, _ in aside[1:]]
    more = f", and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    others = f"\nNor can be read: {', '.join(names[:MOST_NAMED])}{more}" if names else ""
    return SourceError(
        f"{first.what}{others}",
        state=f"{first.state} No file beside it is kept back; each run tries again until it is mended or gone.",
        next_command=first.next_command or f"{MEND}; then: tillmill run --only ingest",
    )


CONNECTOR = Connector(Connection, Pull, pages, states_every_field=True, hands_over_files=True, window=narrowed)
