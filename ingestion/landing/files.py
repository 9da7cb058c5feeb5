"""Files that are either whole and on disk or not there: spool, fsync, rename, fsync the folder."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from polars.exceptions import ComputeError

from tillmill.errors import RefusedError, TillmillError

SPOOL = ".spool"
UNKNOWN = ".unknown"
# zstd's fastest: files a seventh larger than at its usual 3, which compaction writes what stays at.
LANDED_LEVEL = 1
_SAFE_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")


@dataclass(frozen=True)
class Written:
    """Size in bytes and sha256 of a file that has reached the disk."""

    bytes: int
    sha256: str


def safe_name(name: str) -> str:
    """The name itself; raises RefusedError where it could leave its folder or hide in it."""
    if not _SAFE_NAME.fullmatch(name):
        raise RefusedError(f"{name!r} cannot name a file or folder of the workspace", state="Nothing was written.")
    return name


def spool_of(target: Path, load_seq: int) -> Path:
    """Where the bytes of `target` wait until the ledger knows them: hidden, in the same folder, no other load's."""
    return target.with_name(f".{target.stem}.{load_seq}{SPOOL}")


def make_folder(folder: Path) -> None:
    """Make `folder` and its parents, each entry on disk before this returns."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    fsync(folder.parent)


def fsync(path: Path) -> None:
    """Hand a file's bytes, or a folder's entries, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256(path: Path) -> str:
    """The file's sha256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_frame(frame: pl.DataFrame, path: Path) -> Written:
    """Write `frame` as zstd Parquet and fsync it; on failure nothing is left at `path`.

    Raises TillmillError with the bytes needed and the bytes free when the disk is full or the folder cannot be written.
    """
    with writing(path, int(frame.estimated_size())):
        frame.write_parquet(path, compression="zstd", compression_level=LANDED_LEVEL, statistics=True)
        return settled(path)


@contextmanager
def writing(path: Path, needed: int) -> Iterator[None]:
    """Around the writing of `path`, of up to `needed` bytes: makes its folder; on failure as `write_frame` does."""
    try:
        make_folder(path.parent)
        yield
    except (OSError, ComputeError) as error:
        # Where the folder itself cannot be used this fails too; the sweep of the next run looks again.
        remove(path)
        raise _unwritable(path.parent, needed, error) from error


def settled(path: Path) -> Written:
    """A file whose writing has ended, once it is on the disk."""
    fsync(path)
    return Written(bytes=path.stat().st_size, sha256=sha256(path))


def write_bytes(data: bytes, path: Path) -> None:
    """Write `data` to `path`, whole and on disk, or not at all. Raises TillmillError as `write_frame` does."""
    spool = path.with_name(f".{path.name}.{os.getpid()}{SPOOL}")
    try:
        make_folder(path.parent)
        with spool.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        remove(spool)
        raise _unwritable(path.parent, len(data), error) from error
    put_in_place(spool, path)


def put_in_place(spool: Path, target: Path) -> None:
    """Give a spooled file its final name, durably. Raises TillmillError when the folder cannot be written."""
    try:
        spool.replace(target)
        fsync(target.parent)
    except OSError as error:
        raise _unwritable(target.parent, 0, error) from error


def write_whole(frame: pl.DataFrame, path: Path) -> Written:
    """Write `frame` to `path` so that a reader finds the file that was there before or the whole new one."""
    spool = path.with_name(f".{path.name}.{os.getpid()}{SPOOL}")
    written = write_frame(frame, spool)
    put_in_place(spool, path)
    return written


def _unwritable(folder: Path, needed: int, error: Exception) -> TillmillError:
    existing = next((part for part in (folder, *folder.parents) if part.is_dir()), Path("/"))
    room = f"It needs up to {needed:,} bytes; " if needed else ""
    return TillmillError(
        f"cannot write in {folder}: {error}",
        state=f"{room}{shutil.disk_usage(existing).free:,} bytes are free. No half file is visible, nothing is lost.",
        next_command="make room or make the folder writable, then: tillmill run",
    )


def remove(path: Path) -> None:
    """Remove a file if it is there; where the folder cannot be used, the next sweep looks again."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
