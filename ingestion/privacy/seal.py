"""Sealed text: AES-GCM for what must keep its clear form (quarantined rows, unknown fields) beside personal data.

Keys are a chain, oldest first: the last one seals, every one opens. What is sealed names its key; what was sealed
before keys had names is tried with each.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ingestion.privacy.keyfiles import name_of
from tillmill.errors import RefusedError

# Followed by the key's name and a colon.
MARK = "sealed2:"
NAMELESS = "sealed1:"
NONCE_BYTES = 12
_NAME_SIGNS = 8


def seal(
    texts: Sequence[str | None], keys: Sequence[bytes], context: str, positions: Sequence[str]
) -> list[str | None]:
    """Each text encrypted and bound to `context` (source and stream); null stays null.

    The nonce is a keyed hash of context, position and text, so that pulling the same row again gives the same bytes,
    while equal texts at two positions look different.
    """
    cipher, nonce_key = _cipher(keys[-1])
    mark, bound = mark_of(keys), context.encode()
    sealed: list[str | None] = []
    for text, position in zip(texts, positions, strict=True):
        if text is None:
            sealed.append(None)
            continue
        clear = text.encode()
        told = b"\0".join((bound, position.encode(), clear))
        nonce = hashlib.blake2b(told, key=nonce_key, digest_size=NONCE_BYTES).digest()
        sealed.append(mark + base64.urlsafe_b64encode(nonce + cipher.encrypt(nonce, clear, bound)).decode())
    return sealed


def unseal(text: str, keys: Sequence[bytes], context: str) -> str:
    """The clear text again. Raises RefusedError where key or context is another, or the text was changed."""
    name, coded = _apart(text)
    try:
        return _opened(base64.urlsafe_b64decode(coded), name, keys, context).decode()
    except ValueError as error:
        raise RefusedError(_refusal(f"a sealed text of {context}", name)) from error


def seal_bytes(data: bytes, keys: Sequence[bytes], context: str) -> bytes:
    """The bytes encrypted and bound to `context`; the same bytes give the same again, as with `seal`."""
    cipher, nonce_key = _cipher(keys[-1])
    bound = context.encode()
    nonce = hashlib.blake2b(b"\0".join((bound, data)), key=nonce_key, digest_size=NONCE_BYTES).digest()
    return mark_of(keys).encode() + nonce + cipher.encrypt(nonce, data, bound)


def unseal_bytes(data: bytes, keys: Sequence[bytes], context: str) -> bytes:
    """The clear bytes again. Raises RefusedError where key or context is another, or a byte was changed."""
    name = ""
    if data.startswith(MARK.encode()):
        at = len(MARK) + _NAME_SIGNS
        name, data = data[len(MARK) : at].decode("ascii", "replace"), data[at + 1 :]
    try:
        return _opened(data, name, keys, context)
    except ValueError as error:
        raise RefusedError(_refusal(f"a sealed file of {context}", name)) from error


def is_sealed(text: str) -> bool:
    """Whether the text says of itself that it is sealed."""
    return text.startswith((MARK, NAMELESS))


def mark_of(keys: Sequence[bytes]) -> str:
    """What everything begins with, text or file, that the chain's last key sealed."""
    return f"{MARK}{name_of(keys[-1])}:"


def signature(text: str, key: bytes) -> str:
    """The keyed hash of a text, under a key that is made of the sealing key for this alone."""
    return hmac.new(hashlib.sha256(b"proof" + key).digest(), text.encode(), hashlib.sha256).hexdigest()


@functools.cache
def _cipher(key: bytes) -> tuple[AESGCM, bytes]:
    """What encrypts, and the key of its nonces."""
    return AESGCM(hashlib.sha256(b"seal" + key).digest()), hashlib.sha256(b"nonce" + key).digest()


def _apart(text: str) -> tuple[str, str]:
    """The name of the key, '' where the text has none, and the rest."""
    if not text.startswith(MARK):
        return "", text.removeprefix(NAMELESS)
    name, _, coded = text.removeprefix(MARK).partition(":")
    return name, coded


def _opened(raw: bytes, name: str, keys: Sequence[bytes], context: str) -> bytes:
    """Raises ValueError where no key of this name opens it."""
    for key in keys:
        if name in ("", name_of(key)):
            try:
                return _cipher(key)[0].decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], context.encode())
            except InvalidTag:
                continue
    raise ValueError("no key opens it")


def _refusal(what: str, name: str) -> str:
    named = f" (it names key {name})" if name else ""
    return f"{what} does not open with this workspace's sealing key{named}"
