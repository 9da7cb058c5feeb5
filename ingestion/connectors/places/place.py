"""What every place offers: the files it holds, and their bytes; and how a pattern picks among them."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from tillmill.errors import RefusedError, SettingsError, SourceError

WILDCARDS = "*?["


@dataclass(frozen=True, order=True)
class Seen:
    """A file as it was when looked at; `modified` is in nanoseconds since 1970, as exact as the place tells it."""

    name: str
    size: int
    modified: int


class PassingError(SourceError):
    """Trouble of the moment: a lost connection, a silence, a server that is busy. The same question may be answered."""


class Place(Protocol):
    """A place that holds files. Every method raises SourceError where the place fails."""

    def look(self, pattern: str) -> list[Seen]:
        """The files whose path, from the place's root, fits the pattern; ordered by name."""

    def again(self, files: list[Seen]) -> set[Seen]:
        """The same files as they are now; without those that have gone."""

    def read(self, files: list[Seen], found: dict[Seen, bytes | None]) -> None:
        """Puts their bytes into `found`, each file's as it comes; None for one that has gone."""

    def copy(self, file: Seen, into: BinaryIO) -> bool:
        """Writes the file's bytes from where `into` stands, a piece at a time; False where it has gone."""


def check_pattern(pattern: str) -> str:
    """The pattern, relative and inside its place. Raises RefusedError for one that climbs out."""
    if pattern.startswith("/") or ".." in pattern.split("/"):
        raise RefusedError(f"pull.path: {pattern!r} leaves the source's folder")
    return pattern


def split_pattern(pattern: str) -> tuple[str, str]:
    """Folder and last part of a pattern, for places that list one folder at a time."""
    folder, _, name = check_pattern(pattern).rpartition("/")
    if any(sign in folder for sign in WILDCARDS):
        raise SettingsError(f"pull.path: {pattern!r}: on a file server only the last part may have wildcards")
    return folder, name


def joined(*parts: str) -> str:
    """The parts that are there, as one path."""
    return "/".join(part for part in parts if part)


def fits(name: str, pattern: str) -> bool:
    """Whether a path fits a pattern part by part; a part `**` stands for any folders, as in a local folder."""
    return _fits(name.split("/"), pattern.split("/"))


def _fits(parts: list[str], wanted: list[str]) -> bool:
    if not wanted:
        return not parts
    if wanted[0] == "**":
        return any(_fits(parts[skipped:], wanted[1:]) for skipped in range(len(parts) + 1))
    return bool(parts) and fnmatch.fnmatchcase(parts[0], wanted[0]) and _fits(parts[1:], wanted[1:])
