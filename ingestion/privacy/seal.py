"""Sealed text: AES-GCM for what must keep its clear form (quarantined rows, unknown fields) beside personal data."""

from __future__ import annotations

import base64
import hashlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tillmill.errors import RefusedError

PREFIX = "sealed1:"
NONCE_BYTES = 12


def seal(texts: list[str | None], key: bytes, context: str, positions: list[str]) -> list[str | None]:
    """Each text encrypted and bound to `context` (source and stream); null stays null.

    The nonce is a keyed hash of context, position and text, so that pulling the same row again gives the same bytes,
    while equal texts at two positions look different.
    """
    cipher = AESGCM(hashlib.sha256(b"seal" + key).digest())
    nonce_key = hashlib.sha256(b"nonce" + key).digest()
    bound = context.encode()
    sealed: list[str | None] = []
    for text, position in zip(texts, positions, strict=True):
        if text is None:
            sealed.append(None)
            continue
        clear = text.encode()
        told = b"\0".join((bound, position.encode(), clear))
        nonce = hashlib.blake2b(told, key=nonce_key, digest_size=NONCE_BYTES).digest()
        sealed.append(PREFIX + base64.urlsafe_b64encode(nonce + cipher.encrypt(nonce, clear, bound)).decode())
    return sealed


def seal_bytes(data: bytes, key: bytes, context: str) -> bytes:
    """The bytes encrypted and bound to `context`; the same bytes give the same again, as with `seal`."""
    cipher = AESGCM(hashlib.sha256(b"seal" + key).digest())
    bound = context.encode()
    nonce_key = hashlib.sha256(b"nonce" + key).digest()
    nonce = hashlib.blake2b(b"\0".join((bound, data)), key=nonce_key, digest_size=NONCE_BYTES).digest()
    return nonce + cipher.encrypt(nonce, data, bound)


def unseal_bytes(data: bytes, key: bytes, context: str) -> bytes:
    """The clear bytes again. Raises RefusedError where key or context is another, or a byte was changed."""
    cipher = AESGCM(hashlib.sha256(b"seal" + key).digest())
    try:
        return cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], context.encode())
    except (InvalidTag, ValueError) as error:
        raise RefusedError(f"a sealed file of {context} does not open with this workspace's sealing key") from error


def unseal(text: str, key: bytes, context: str) -> str:
    """The clear text again. Raises RefusedError where key or context is another, or the text was changed."""
    cipher = AESGCM(hashlib.sha256(b"seal" + key).digest())
    try:
        raw = base64.urlsafe_b64decode(text.removeprefix(PREFIX))
        return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], context.encode()).decode()
    except (InvalidTag, ValueError) as error:
        raise RefusedError(f"a sealed text of {context} does not open with this workspace's sealing key") from error
