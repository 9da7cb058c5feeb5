"""Originals: the source's own files, kept for a while byte for byte and encrypted: any may hold people."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath

from ingestion.connectors.page import Original
from ingestion.landing import files
from ingestion.landing.ledger import Ledger
from ingestion.landing.load import Kept
from ingestion.privacy.seal import is_sealed, mark_of, seal, seal_bytes, unseal, unseal_bytes
from ingestion.privacy.tokens import Keys, load_keys
from tillmill.errors import RefusedError, TillmillError, UsageError
from tillmill.workspace import Workspace, now

SEALED = ".sealed"
# As older versions kept the files of streams without personal columns.
CLEAR = ".original"


@dataclass(frozen=True)
class Listed:
    """One kept file: whose, its name at its source, its content's sha256, its size, when it was kept."""

    stream: str
    source: str
    content: str
    name: str
    bytes: int
    kept_at: datetime


def keep(workspace: Workspace, source: str, stream: str, originals: Sequence[Original]) -> list[Kept]:
    """Write originals to the disk, each content once, and return what the ledger is to know of them.

    Until the load they belong to is recorded nobody knows the files, and recovery removes them.
    """
    if not originals or not workspace.settings.privacy.originals_days:
        return []
    keys = load_keys(workspace)
    kept = []
    for original in originals:
        path = _path(workspace, source, stream, original.content, SEALED)
        if not path.exists():
            bound = f"{source}/{stream}/{original.content}"
            files.write_bytes(seal_bytes(original.data, keys.sealing, bound), path)
        name = _sealed_name(original.name, keys, source, stream, original.content)
        kept.append(Kept(original.content, name, len(original.data)))
    return kept


def listed(
    workspace: Workspace, ledger: Ledger, *, stream: str | None = None, source: str | None = None
) -> list[Listed]:
    """The kept files, newest first; a content that came under several loads once, under its latest name."""
    keys = load_keys(workspace)
    found: dict[tuple[str, str, str], Listed] = {}
    for row in ledger.originals(source, stream):
        place = (row.stream, row.source, row.content)
        name = unseal(row.name, keys.sealing, f"{row.source}/{row.stream}") if is_sealed(row.name) else row.name
        found[place] = Listed(*place, name, row.bytes, row.kept_at)
    return sorted(found.values(), key=lambda one: (one.kept_at, one.name), reverse=True)


def read(workspace: Workspace, original: Listed) -> bytes:
    """The file as its source handed it over. Raises RefusedError where it was changed or the key is another."""
    whose = (workspace, original.source, original.stream, original.content)
    path = _path(*whose, SEALED)
    if not path.exists() and (clear := _path(*whose, CLEAR)).exists():
        return clear.read_bytes()
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise TillmillError(f"{path} is gone", next_command="tillmill originals list") from error
    bound = f"{original.source}/{original.stream}/{original.content}"
    return unseal_bytes(data, load_keys(workspace).sealing, bound)


def find(workspace: Workspace, ledger: Ledger, content: str) -> Listed:
    """The kept file whose content's sha256 begins so. Raises UsageError where none or several do."""
    found = [one for one in listed(workspace, ledger) if one.content.startswith(content)]
    if len({one.content for one in found}) != 1:
        raise UsageError(
            f"{len(found)} kept files have a content that begins with {content!r}; one is wanted",
            next_command="tillmill originals list",
        )
    return found[0]


def export(workspace: Workspace, originals: Sequence[Listed], folder: Path) -> list[Path]:
    """Write kept files in clear under their own names, for their owner alone: a folder that `files` can read again.

    Of two contents of one name the later is the file, the earlier has its content's beginning in its name. Raises
    RefusedError for a name that would leave the folder.
    """
    written: list[Path] = []
    for original in originals:
        path = _inside(folder, original.name)
        if path in written:
            path = path.with_name(f"{path.stem}.{original.content[:8]}{path.suffix}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(read(workspace, original))
        written.append(path)
    return written


def reseal(workspace: Workspace, ledger: Ledger, source: str, stream: str) -> None:
    """Seal the stream's kept files, and their names, with the newest key where it is not theirs yet.

    The caller holds the stream's lock. Raises RefusedError for one that no key opens.
    """
    keys = load_keys(workspace)
    mark = mark_of(keys.sealing)
    anew: list[tuple[Kept, str]] = []
    for row in ledger.originals(source, stream):
        path, bound = _path(workspace, source, stream, row.content, SEALED), f"{source}/{stream}/{row.content}"
        if path.exists() and not (data := path.read_bytes()).startswith(mark.encode()):
            files.write_bytes(seal_bytes(unseal_bytes(data, keys.sealing, bound), keys.sealing, bound), path)
        if is_sealed(row.name) and not row.name.startswith(mark):
            name = unseal(row.name, keys.sealing, f"{source}/{stream}")
            anew.append((row, _sealed_name(name, keys, source, stream, row.content)))
    ledger.rename_originals(anew)


def sweep(workspace: Workspace, ledger: Ledger) -> int:
    """Drop what is older than `[privacy] originals_days`; returns how many files."""
    before = now() - timedelta(days=workspace.settings.privacy.originals_days)
    return drop(workspace, ledger, [row for row in ledger.originals() if row.kept_at < before])


def drop(workspace: Workspace, ledger: Ledger, rows: Sequence[Kept]) -> int:
    """Forget these in the ledger, then remove files that no other load has; returns how many files."""
    ledger.drop_originals(rows)
    held = {(row.stream, row.source, row.content) for row in ledger.originals()}
    gone = {(row.stream, row.source, row.content) for row in rows} - held
    for stream, source, content in gone:
        for ending in (CLEAR, SEALED):
            files.remove(_folder(workspace, source, stream) / f"{content}{ending}")
    return len(gone)


def sweep_unknown(workspace: Workspace, ledger: Ledger, source: str, stream: str) -> list[Path]:
    """Remove files of the stream that no load has: what a kill left. The caller holds the stream's lock."""
    known = {row.content for row in ledger.originals(source, stream)}
    folder = _folder(workspace, source, stream)
    lost = [path for path in (folder.iterdir() if folder.is_dir() else ()) if path.stem not in known]
    for path in lost:
        files.remove(path)
    return lost


def _sealed_name(name: str, keys: Keys, source: str, stream: str, content: str) -> str:
    """The name of a file may be a person's; to the ledger it is as good as its content."""
    return seal([name], keys.sealing, f"{source}/{stream}", [content])[0] or ""


def _folder(workspace: Workspace, source: str, stream: str) -> Path:
    return workspace.originals / files.safe_name(stream) / files.safe_name(source)


def _path(workspace: Workspace, source: str, stream: str, content: str, ending: str) -> Path:
    return _folder(workspace, source, stream) / f"{files.safe_name(content)}{ending}"


def _inside(folder: Path, name: str) -> Path:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or any(part in {"/", "..", "."} or ":" in part or "\0" in part for part in parts):
        raise RefusedError(f"a kept file's name, {name!r}, would leave {folder}", state="It was not written.")
    return folder.joinpath(*parts)
