"""Key files: one key a line in hexadecimal, oldest first, for their owner alone, replaced whole or not at all."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tillmill.errors import SettingsError
from tillmill.workspace import Workspace

KEY_BYTES = 32
_MOST_BYTES = 64


def new_key() -> bytes:
    """A fresh random key."""
    return secrets.token_bytes(KEY_BYTES)


def name_of(key: bytes) -> str:
    """A short name by which a key is recognised and from which nobody gets back to it."""
    return hashlib.blake2b(b"name", key=key, digest_size=4).hexdigest()


def read_keys(workspace: Workspace, reference: str) -> list[bytes]:
    """The keys behind a reference, oldest first. Raises SettingsError: missing, short, open to others."""
    keys: list[bytes] = []
    for line in workspace.secret(reference).split():
        try:
            key = bytes.fromhex(line)
        except ValueError:
            key = b""
        if len(key) < KEY_BYTES:
            keys = []
            break
        keys.append(key[:_MOST_BYTES])
    if not keys:
        raise SettingsError(
            f"{reference} holds no key of {KEY_BYTES} bytes in hexadecimal",
            next_command=f"tillmill init --workspace {workspace.root}",
        )
    return keys


@dataclass(frozen=True)
class SourceKeys:
    """What a connector needs to remember rows without keeping them in clear: a key for marks, and those that seal."""

    marking: bytes = field(repr=False)
    sealing: tuple[bytes, ...] = field(repr=False)


def source_keys(workspace: Workspace) -> SourceKeys:
    """The first token key, which stays when others are added: a mark once made is known again. And the sealing keys."""
    privacy = workspace.settings.privacy
    marking, sealing = (read_keys(workspace, reference) for reference in (privacy.token_key, privacy.sealing_key))
    return SourceKeys(marking[0], tuple(sealing))


def path_of(workspace: Workspace, reference: str) -> Path | None:
    """The file behind a reference, where it is one of ours to write."""
    if not reference.startswith("file:") or "#" in reference:
        return None
    return workspace.root / reference.removeprefix("file:")


def create(path: Path) -> None:
    """Makes a key file with one new key; a file that exists stays as it is."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    _write(handle, [new_key()])


def replace(path: Path, keys: Sequence[bytes]) -> None:
    """Writes the keys in the place of those that stood there; a reader finds the old file or the new one."""
    spool = path.with_name(f".{path.name}.spool")
    spool.unlink(missing_ok=True)
    _write(os.open(spool, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), keys)
    spool.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _write(handle: int, keys: Sequence[bytes]) -> None:
    with os.fdopen(handle, "w") as file:
        file.writelines(key.hex() + "\n" for key in keys)
        file.flush()
        os.fsync(file.fileno())
