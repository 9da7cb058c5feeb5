"""Keyed tokens: the same person's value gives the same token, and nobody without the keys can go back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from ingestion.privacy import keyfiles
from ingestion.privacy.normalise import normalise
from ingestion.privacy.suppression import Suppressed, read_suppressed
from tillmill.workspace import Workspace

TOKEN_BYTES = 16
# A code without any of these is its own normal form.
ANYTHING_BUT_PLAIN = r"[^\x21-\x7e]|\*"


@dataclass(frozen=True)
class Keys:
    """What protection needs: the key of tokens and those added since (`tillmill rekey`), the keys that seal (the last)
    and open (all), and the people who asked to be forgotten; no key shows in a message or a log.
    """

    token: bytes = field(repr=False)
    sealing: tuple[bytes, ...] = field(repr=False)
    later: tuple[bytes, ...] = field(default=(), repr=False)
    suppressed: Suppressed = field(default_factory=Suppressed, repr=False)


def create_keys(workspace: Workspace) -> None:
    """Makes the key files the settings name, readable by their owner alone; files that exist stay as they are."""
    privacy = workspace.settings.privacy
    for reference in (privacy.token_key, privacy.sealing_key, privacy.vault_key):
        path = keyfiles.path_of(workspace, reference)
        if path is not None:
            keyfiles.create(path)


def load_keys(workspace: Workspace) -> Keys:
    """The workspace's keys, with the list of those to be left out: whoever protects rows obeys it.

    Raises SettingsError where a key is missing, short, or can be read by others.
    """
    privacy = workspace.settings.privacy
    first, *later = keyfiles.read_keys(workspace, privacy.token_key)
    sealing = keyfiles.read_keys(workspace, privacy.sealing_key)
    return Keys(first, tuple(sealing), tuple(later), read_suppressed(workspace))


def token(kind: str, normalised: str, key: bytes, later: Sequence[bytes] = ()) -> str:
    """The keyed BLAKE2b of one normalised value, 32 hexadecimal digits; kinds never share a token.

    Each of the `later` keys wraps what the keys before it made, so that a token can be moved without its value.
    """
    made = _hexadecimal(_keyed(kind, key), normalised)
    for wrapping in later:
        made = moved(made, wrapping)
    return made


def moved(made: str, key: bytes) -> str:
    """The token that stands for `made` once `key` has been added."""
    return hashlib.blake2b(bytes.fromhex(made), key=key, digest_size=TOKEN_BYTES, person=b"moved").hexdigest()


def _keyed(kind: str, key: bytes) -> hashlib.blake2b:
    """The hash once it has taken in its key: a copy for each value costs half of starting anew."""
    return hashlib.blake2b(key=key, digest_size=TOKEN_BYTES, person=kind.encode(), usedforsecurity=True)


def _hexadecimal(keyed: hashlib.blake2b, normalised: str) -> str:
    one = keyed.copy()
    one.update(normalised.encode())
    return one.hexdigest()


def tokenise(
    values: pl.Series, kind: str, key: bytes, calling_code: str = "", later: Sequence[bytes] = ()
) -> pl.Series:
    """The tokens of a text column, of equal length and order; null where there is no value or it identifies nobody."""
    distinct = values.drop_nulls().unique()
    keyed = _keyed(kind, key)
    if kind == "code" and not distinct.str.contains(ANYTHING_BUT_PLAIN).any():
        tokens: list[str | None] = [_hexadecimal(keyed, value) for value in distinct]
    else:
        spelled = (normalise(kind, value, calling_code) for value in distinct)
        tokens = [None if value is None else _hexadecimal(keyed, value) for value in spelled]
    for wrapping in later:
        tokens = [None if made is None else moved(made, wrapping) for made in tokens]
    return values.replace_strict(distinct, pl.Series(tokens, dtype=pl.String), default=None, return_dtype=pl.String)
