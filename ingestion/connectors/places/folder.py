"""A local folder, or one that the system has mounted."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import BinaryIO

from ingestion.connectors.places.place import Seen, check_pattern
from tillmill.errors import SourceError

PIECE = 1 << 20


class Folder:
    """A local folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def look(self, pattern: str) -> list[Seen]:
        if not self.root.is_dir():
            raise SourceError(f"{self.root} is no folder that can be read")
        found = [self._seen(path) for path in self.root.glob(check_pattern(pattern))]
        return sorted(seen for seen in found if seen is not None)

    def again(self, files: list[Seen]) -> set[Seen]:
        return {seen for seen in (self._seen(self.root / file.name) for file in files) if seen is not None}

    def read(self, files: list[Seen], found: dict[Seen, bytes | None]) -> None:
        for file in files:
            found[file] = self._read(self.root / file.name)

    def copy(self, file: Seen, into: BinaryIO) -> bool:
        path = self.root / file.name
        try:
            with path.open("rb") as source:
                source.seek(into.tell())
                shutil.copyfileobj(source, into, PIECE)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise SourceError(f"{path} cannot be copied: {error.strerror}") from error
        return True

    def _seen(self, path: Path) -> Seen | None:
        try:
            if not path.is_file():
                return None
            told = path.stat()
        except FileNotFoundError:
            return None
        return Seen(path.relative_to(self.root).as_posix(), told.st_size, told.st_mtime_ns)

    @staticmethod
    def _read(path: Path) -> bytes | None:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SourceError(f"{path} cannot be read: {error.strerror}") from error
