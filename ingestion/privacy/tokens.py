"""Keyed tokens: the same person's value gives the same token, and nobody without the key can go back."""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass, field

import polars as pl

from ingestion.privacy.normalise import normalise
from tillmill.errors import SettingsError
from tillmill.workspace import Workspace

KEY_BYTES = 32
TOKEN_BYTES = 16
# A code without any of these is its own normal form.
ANYTHING_BUT_PLAIN = r"[^\x21-\x7e]|\*"


@dataclass(frozen=True)
class Keys:
    """The two secrets of a workspace: one makes tokens, one seals; neither shows in a message or a log."""

    token: bytes = field(repr=False)
    sealing: bytes = field(repr=False)


def create_keys(workspace: Workspace) -> None:
    """Makes the key files the settings name, readable by their owner alone; files that exist stay as they are."""
    for reference in (workspace.settings.privacy.token_key, workspace.settings.privacy.sealing_key):
        if not reference.startswith("file:") or "#" in reference:
            continue
        path = workspace.root / reference.removeprefix("file:")
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())


def load_keys(workspace: Workspace) -> Keys:
    """The workspace's keys. Raises SettingsError where one is missing, short, or can be read by others."""
    privacy = workspace.settings.privacy
    return Keys(_key(workspace, privacy.token_key), _key(workspace, privacy.sealing_key))


def _key(workspace: Workspace, reference: str) -> bytes:
    text = workspace.secret(reference)
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) < KEY_BYTES:
        raise SettingsError(
            f"{reference} holds no key of {KEY_BYTES} bytes in hexadecimal",
            next_command=f"tillmill init --workspace {workspace.root}",
        )
    return key[:64]


def token(kind: str, normalised: str, key: bytes) -> str:
    """The keyed BLAKE2b of one normalised value, 32 hexadecimal digits; kinds never share a token."""
    return _hexadecimal(_keyed(kind, key), normalised)


def _keyed(kind: str, key: bytes) -> hashlib.blake2b:
    """The hash once it has taken in its key: a copy for each value costs half of starting anew."""
    return hashlib.blake2b(key=key, digest_size=TOKEN_BYTES, person=kind.encode(), usedforsecurity=True)


def _hexadecimal(keyed: hashlib.blake2b, normalised: str) -> str:
    one = keyed.copy()
    one.update(normalised.encode())
    return one.hexdigest()


def tokenise(values: pl.Series, kind: str, key: bytes, calling_code: str = "") -> pl.Series:
    """The tokens of a text column, of equal length and order; null where there is no value or it identifies nobody."""
    distinct = values.drop_nulls().unique()
    keyed = _keyed(kind, key)
    if kind == "code" and not distinct.str.contains(ANYTHING_BUT_PLAIN).any():
        tokens: list[str | None] = [_hexadecimal(keyed, value) for value in distinct]
    else:
        spelled = (normalise(kind, value, calling_code) for value in distinct)
        tokens = [None if value is None else _hexadecimal(keyed, value) for value in spelled]
    return values.replace_strict(distinct, pl.Series(tokens, dtype=pl.String), default=None, return_dtype=pl.String)
