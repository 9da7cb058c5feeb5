"""What came over a connection, on disk before anything is made of it: bytes no sender would send a second time.

One file per connection: a line that names the other side, then a record per arrival: when (microseconds since 1970),
how many bytes, the bytes. The cursor says which files are finished and how many bytes of the others have landed; a
finished file is deleted by the next pull.
"""

from __future__ import annotations

import os
import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Self

from ingestion.connectors.framing import Framing, split
from tillmill.errors import SourceError

HEAD = struct.Struct(">QI")
SUFFIX = ".spool"
CUT_OFF = "cut off by the end of the connection"


@dataclass(frozen=True)
class Frame:
    """One message and when its last byte came; `fault` says why it is none."""

    data: bytes
    at: datetime
    fault: str = ""


@dataclass
class Spool:
    """The files of one source, and how far each has been taken (`open`: bytes by file number)."""

    folder: Path
    next: int
    open: dict[int, int]

    @property
    def cursor(self) -> dict[str, Any]:
        """JSON-able: {"next": number, "open": {number: bytes taken}}; what is below `next` and not open is finished."""
        return {"next": self.next, "open": {str(number): taken for number, taken in sorted(self.open.items())}}

    def path(self, number: int) -> Path:
        """The file of a connection."""
        return self.folder / f"{number:08d}{SUFFIX}"


def open_spool(folder: Path, cursor: dict[str, Any] | None) -> Spool:
    """The spool as the cursor and the folder tell it; finished files are deleted."""
    told = cursor or {}
    spool = Spool(folder, int(told.get("next", 1)), {int(name): taken for name, taken in told.get("open", {}).items()})
    folder.mkdir(parents=True, exist_ok=True)
    there = {int(path.stem) for path in folder.glob(f"*{SUFFIX}")}
    for number in there:
        if number < spool.next and number not in spool.open:
            spool.path(number).unlink()
        elif number >= spool.next:
            # Received, and killed before anything of it landed.
            spool.open[number] = 0
    spool.open = {number: taken for number, taken in spool.open.items() if number in there}
    spool.next = max([spool.next, *(number + 1 for number in there)])
    return spool


def adopt(folder: Path, name: str, address: str) -> None:
    """Give the folder of a stream that has none the files that stood under its device's name and address.

    Folders were once called so, and what was received and has not landed is still there. After the address was changed
    the device's name tells them; raises SourceError where it fits several.
    """
    if folder.exists():
        return
    found = [folder.parent / _safe(f"{name}-{address}")]
    if not found[0].is_dir():
        found = sorted(path for path in folder.parent.glob(f"{_safe(name)}-*") if re.search("-[0-9]+$", path.name))
    if len(found) > 1:
        raise SourceError(
            f"{folder.parent}: {', '.join(path.name for path in found)} may each have messages of {name}",
            state="Nothing was read; the cursor has not moved.",
            next_command=f"mv {found[0]} {folder} (or another of them), then: tillmill run",
        )
    for path in found:
        if path.is_dir():
            path.rename(folder)


def _safe(text: str) -> str:
    """A name that is safe as a folder's."""
    return re.sub(r"[^A-Za-z0-9.-]", "_", text).lstrip(".") or "_"


@dataclass
class Writer:
    """The file of a connection that is open now."""

    file: BinaryIO

    @classmethod
    def create(cls, path: Path, peer: str) -> Self:
        """A new file for a connection with `peer`; its name is on disk before this returns."""
        file = path.open("xb")
        file.write(f"{peer}\n".encode())
        file.flush()
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return cls(file)

    def append(self, data: bytes, at: datetime) -> None:
        """Write what has come; it is safe only after `sync`."""
        self.file.write(HEAD.pack(int(at.timestamp() * 1_000_000), len(data)) + data)

    def sync(self) -> None:
        """Hand it to the disk."""
        self.file.flush()
        os.fsync(self.file.fileno())


@dataclass
class Reader:
    """Reads a connection's file as messages, as far as it has been written; `taken` bytes of it are behind us."""

    path: Path
    framing: Framing
    taken: int
    peer: str = ""
    is_lost: bool = False
    _position: int = 0
    _skip: int = 0
    _rest: bytes = b""
    _at: datetime | None = None

    def __post_init__(self) -> None:
        with self.path.open("rb") as file:
            line = file.readline()
        self.peer, self._position, self._skip = line.decode().strip(), len(line), self.taken

    @property
    def is_empty(self) -> bool:
        """Whether nothing has ever come."""
        return self.path.stat().st_size <= self._position and not self.taken and not self._rest

    @property
    def is_between_messages(self) -> bool:
        """Whether the last byte that was read ended a message."""
        return not self._rest

    def read(self, most: int) -> list[Frame]:
        """The next messages, about `most` of them; none: the file has no more whole ones now."""
        frames: list[Frame] = []
        with self.path.open("rb") as file:
            file.seek(self._position)
            while len(frames) < most and len(head := file.read(HEAD.size)) == HEAD.size:
                micros, length = HEAD.unpack(head)
                data = file.read(length)
                self._position += HEAD.size + length
                past = min(self._skip, len(data))
                self._skip -= past
                if past < len(data):
                    frames += self._feed(data[past:], datetime.fromtimestamp(micros / 1_000_000, UTC))
        return frames

    def end(self) -> list[Frame]:
        """What is left when the connection has ended: at most one message, without its end."""
        rest, self._rest = self._rest, b""
        self.taken += len(rest)
        return [Frame(rest, self._at, CUT_OFF)] if self._at and rest.strip() else []

    def _feed(self, data: bytes, at: datetime) -> list[Frame]:
        self._at = at
        if self.is_lost:
            self.taken += len(data)
            return [Frame(data, at, "follows on a message whose end was not found")]
        found = split(self._rest + data, self.framing)
        self._rest = (self._rest + data)[found.used :]
        self.taken += found.used
        frames = [Frame(message, at) for message in found.messages]
        if found.lost:
            self.is_lost = True
            frames.append(Frame(self._rest, at, found.lost))
            self.taken += len(self._rest)
            self._rest = b""
        return frames
