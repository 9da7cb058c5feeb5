"""What a stream of files remembers: which files it has dealt with, and which contents it has read how far."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ingestion.connectors.places.place import Seen

MARK_BYTES = 8
CONTENT_BYTES = 16


@dataclass
class FileCursor:
    """The cursor of a stream of files, 8 bytes for each file that is there and 16 for each content ever read.

    `marks` are of files (name, size and time) that need no second look; those of files that are gone are dropped.
    `contents` outlast their files, so that a file that comes back under any name counts once. `partial` holds the
    contents of which so many records have been handed on and no more.
    """

    marks: set[bytes] = field(default_factory=set)
    contents: set[bytes] = field(default_factory=set)
    partial: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, cursor: dict[str, Any] | None) -> FileCursor:
        """From what the ledger kept; also from the list of names that earlier versions wrote."""
        told = cursor or {}
        found = cls(
            set(_pieces(told.get("marks", ""), MARK_BYTES)),
            set(_pieces(told.get("contents", ""), CONTENT_BYTES)),
            dict(told.get("partial", {})),
        )
        for name, (size, modified, content) in told.get("files", {}).items():
            found.marks.add(_mark(Seen(name, size, modified)))
            found.contents.add(bytes.fromhex(content))
        return found

    def told(self) -> dict[str, Any]:
        """As the ledger keeps it: the same for the same memory."""
        return {
            "marks": base64.b64encode(b"".join(sorted(self.marks))).decode(),
            "contents": base64.b64encode(b"".join(sorted(self.contents))).decode(),
        } | ({"partial": dict(sorted(self.partial.items()))} if self.partial else {})

    def knows(self, file: Seen) -> bool:
        """Whether the file, as it is, was dealt with."""
        return _mark(file) in self.marks

    def has_read(self, content: bytes) -> bool:
        """Whether all records of the content (its sha256) were handed on."""
        return content[:CONTENT_BYTES] in self.contents

    def rows_read(self, content: bytes) -> int:
        """How many records of the content were handed on by a pull that was cut short."""
        return self.partial.get(content[:CONTENT_BYTES].hex(), 0)

    def note_part(self, content: bytes, rows: int) -> None:
        """So many records of the content have been handed on."""
        self.partial[content[:CONTENT_BYTES].hex()] = rows

    def note(self, file: Seen, content: bytes) -> None:
        """The file has been dealt with."""
        self.marks.add(_mark(file))
        self.contents.add(content[:CONTENT_BYTES])
        self.partial.pop(content[:CONTENT_BYTES].hex(), None)

    def keep(self, files: Iterable[Seen]) -> None:
        """Forgets the marks of all other files."""
        self.marks &= {_mark(file) for file in files}


def _mark(file: Seen) -> bytes:
    told = f"{file.size}/{file.modified}/{file.name}".encode("utf-8", "surrogateescape")
    return hashlib.blake2b(told, digest_size=MARK_BYTES).digest()


def _pieces(text: str, size: int) -> Iterable[bytes]:
    data = base64.b64decode(text)
    return (data[start : start + size] for start in range(0, len(data), size))
