"""Files out of gzip and zip: bombs are refused by what they declare and by what comes out, and nothing is written."""

from __future__ import annotations

import errno
import fnmatch
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from ingestion.connectors.formats.layout import Layout
from tillmill.errors import RefusedError, SourceError

GZIP = b"\x1f\x8b"
CHUNK = 1 << 20
# What is larger is held in an unnamed file, which ends with the process that opened it.
HELD_BYTES = 64 << 20
# Deflate cannot do better than about 1,030 to 1, and no table of sales comes near 200 to 1.
MOST_RATIO = 200
RATIO_MATTERS_FROM = 64 << 20
MOST_MEMBERS = 1_000
NESTED = (".zip", ".gz", ".tgz", ".tar", ".bz2", ".xz", ".7z", ".rar", ".zst")


@contextmanager
def spool(folder: Path) -> Iterator[BinaryIO]:
    """Room for a file's bytes: memory, and beyond HELD_BYTES the disk of `folder` under no name."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.SpooledTemporaryFile(HELD_BYTES, dir=str(folder)) as room:
        try:
            yield cast(BinaryIO, room)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise SourceError(f"{folder}: no room on the disk to unpack or copy a file") from error


def size_of(source: BinaryIO) -> int:
    """The number of bytes, with `source` at its start afterwards."""
    size = source.seek(0, 2)
    source.seek(0)
    return size


def is_gzip(source: BinaryIO) -> bool:
    """Whether it begins as gzip does."""
    source.seek(0)
    start = source.read(2)
    source.seek(0)
    return start == GZIP


def check_ratio(name: str, unpacked: int, packed: int, most_bytes: int) -> None:
    """Raises RefusedError where so much cannot have come out of so little, or is more than is allowed."""
    if unpacked > most_bytes or (unpacked > RATIO_MATTERS_FROM and unpacked > MOST_RATIO * packed):
        raise RefusedError(
            f"{name}: unpacks to more than {min(unpacked, most_bytes):,} bytes; nothing of it was read",
            next_command="if the file is right, raise pull.most_bytes" if unpacked > most_bytes else "",
        )


def check_held(name: str, what: str, size: int, layout: Layout, otherwise: str) -> None:
    """Raises RefusedError where what is held in memory whole would be more than `layout.most_held_bytes`."""
    if size > layout.most_held_bytes:
        raise RefusedError(
            f"{name}: {what} of {size:,} bytes, and more than {layout.most_held_bytes:,} are not held in memory",
            state="Nothing of it was read.",
            next_command=f"{otherwise}; or raise pull.most_held_bytes where there is room for several times as much",
        )


def gunzip(source: BinaryIO, into: BinaryIO, name: str, most_bytes: int) -> None:
    """Writes what is in the gzip, all its members. Raises RefusedError for a bomb, SourceError for a broken file."""
    packed, size = size_of(source), 0
    stream = zlib.decompressobj(wbits=31)
    pending = source.read(CHUNK)
    try:
        while pending:
            part = stream.decompress(pending, CHUNK)
            size += len(part)
            check_ratio(name, size, packed, most_bytes)
            into.write(part)
            pending = stream.unconsumed_tail
            if stream.eof:
                # Another member may follow, or the zeros that tapes are filled up with.
                pending = stream.unused_data.lstrip(b"\0")
                while not pending and (more := source.read(CHUNK)):
                    pending = more.lstrip(b"\0")
                if not pending:
                    break
                stream = zlib.decompressobj(wbits=31)
            elif not pending:
                pending = source.read(CHUNK)
    except zlib.error as error:
        raise SourceError(f"{name}: no valid gzip after {size:,} bytes: {error}") from error
    if not stream.eof:
        raise SourceError(f"{name}: the gzip stream ends early, after {size:,} bytes")
    into.seek(0)


def check_zip(source: BinaryIO, name: str, most_bytes: int) -> list[zipfile.ZipInfo]:
    """The members of a zip as it declares them; an Excel workbook is one too.

    Raises RefusedError for more than MOST_MEMBERS, for sizes or a ratio that a bomb has, for members that share bytes,
    and for names that lead out of the archive; SourceError for what is no zip or is encrypted.
    """
    packed = size_of(source)
    try:
        with zipfile.ZipFile(source) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise SourceError(f"{name}: no valid zip: {error}") from error
    if len(members) > MOST_MEMBERS:
        raise RefusedError(f"{name}: {len(members):,} files in one zip; at most {MOST_MEMBERS:,} are read")
    check_ratio(name, sum(member.file_size for member in members), packed, most_bytes)
    if sum(member.compress_size for member in members) > packed:
        raise RefusedError(f"{name}: its files share bytes; nothing of it was read")
    names = [member_name(member) for member in members]
    if len(set(names)) < len(names):
        raise RefusedError(f"{name}: two files in it have the same name")
    for member, told in zip(members, names, strict=True):
        if told.startswith("/") or ":" in told or ".." in told.split("/"):
            raise RefusedError(f"{name}: a file in it is called {told!r}, which leads out of the archive")
        if member.flag_bits & 1:
            raise SourceError(f"{name}: {told} is encrypted; ask for the file without password")
    return members


def members_of(
    source: BinaryIO, name: str, wanted: str, most_bytes: int, folder: Path
) -> Iterator[tuple[str, BinaryIO]]:
    """Each member that fits `wanted`, in order of name, as `archive.zip/member` with its bytes.

    Hidden ones, and those that macOS adds, are left out. Raises as `check_zip`, RefusedError for an archive in the
    archive, SourceError for a member whose bytes are not those it was packed from.
    """
    members = {member_name(member): member for member in check_zip(source, name, most_bytes)}
    source.seek(0)
    with zipfile.ZipFile(source) as archive:
        for told in sorted(members):
            last = told.rpartition("/")[2]
            if last.startswith(".") or told.startswith("__MACOSX/") or not fnmatch.fnmatchcase(last, wanted):
                continue
            if told.lower().endswith(NESTED):
                raise RefusedError(f"{name}: {told} is an archive in an archive", next_command="set pull.members")
            with spool(folder) as room:
                try:
                    with archive.open(members[told]) as packed:
                        shutil.copyfileobj(packed, room, CHUNK)
                except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
                    raise SourceError(f"{name}/{told}: cannot be unpacked: {error}") from error
                room.seek(0)
                yield f"{name}/{told}", room


def member_name(member: zipfile.ZipInfo) -> str:
    """The member's name; one not marked as UTF-8 is read as what it most likely is, since cp437 says nothing."""
    name = member.filename
    if not member.flag_bits & 0x800:
        raw = name.encode("cp437")
        for encoding in ("utf-8", "gb18030"):
            try:
                name = raw.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    return name.replace("\\", "/")
