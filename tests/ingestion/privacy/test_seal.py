from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ingestion.privacy.keyfiles import name_of
from ingestion.privacy.seal import is_sealed, mark_of, seal, seal_bytes, unseal, unseal_bytes
from tillmill.errors import RefusedError

KEY, NEXT = b"s" * 32, b"n" * 32
WHERE = "crm/crm.members"


def one(text: str, *keys: bytes) -> str:
    [sealed] = seal([text], keys, WHERE, ["a:2"])
    assert sealed is not None
    return sealed


def without_name(data: bytes) -> bytes:
    """As everything was sealed before keys had names."""
    nonce = b"0123456789ab"
    return nonce + AESGCM(hashlib.sha256(b"seal" + KEY).digest()).encrypt(nonce, data, WHERE.encode())


def test_what_is_sealed_opens_again_and_shows_nothing() -> None:
    [sealed, none] = seal(['{"phone":"2125550123"}', None], [KEY], WHERE, ["a:2", "a:3"])
    assert none is None
    assert sealed is not None
    assert is_sealed(sealed)
    assert "2125550123" not in sealed
    assert unseal(sealed, [KEY], WHERE) == '{"phone":"2125550123"}'


def test_the_same_row_pulled_again_seals_alike_but_equal_texts_do_not_show_it() -> None:
    first = seal(["x", "x"], [KEY], WHERE, ["a:2", "a:3"])
    assert first == seal(["x", "x"], [KEY], WHERE, ["a:2", "a:3"])
    assert first[0] != first[1]


def test_the_last_key_seals_and_says_so_and_each_opens() -> None:
    old, new = one("secret", KEY), one("secret", KEY, NEXT)
    assert old.startswith(f"sealed2:{name_of(KEY)}:")
    assert new.startswith(mark_of([KEY, NEXT])) == new.startswith(f"sealed2:{name_of(NEXT)}:") is True
    assert [unseal(text, [KEY, NEXT], WHERE) for text in (old, new)] == ["secret", "secret"]
    with pytest.raises(RefusedError, match=f"it names key {name_of(KEY)}"):
        unseal(old, [NEXT], WHERE)
    files = [seal_bytes(b"\0secret", keys, WHERE) for keys in ([KEY], [KEY, NEXT])]
    assert [unseal_bytes(data, [KEY, NEXT], WHERE) for data in files] == [b"\0secret", b"\0secret"]
    with pytest.raises(RefusedError, match=f"it names key {name_of(KEY)}"):
        unseal_bytes(files[0], [NEXT], WHERE)


def test_what_was_sealed_before_keys_had_names_is_tried_with_each() -> None:
    text = "sealed1:" + base64.urlsafe_b64encode(without_name(b"secret")).decode()
    assert is_sealed(text)
    assert unseal(text, [NEXT, KEY], WHERE) == "secret"
    assert unseal_bytes(without_name(b"secret"), [NEXT, KEY], WHERE) == b"secret"
    with pytest.raises(RefusedError, match="does not open"):
        unseal(text, [NEXT], WHERE)


@pytest.mark.parametrize(("key", "context"), [(b"x" * 32, WHERE), (KEY, "crm/crm.campaigns")])
def test_another_key_or_another_stream_does_not_open_it(key: bytes, context: str) -> None:
    with pytest.raises(RefusedError, match="does not open"):
        unseal(one("secret", KEY), [key], context)


def test_a_changed_text_does_not_open() -> None:
    sealed = one("secret", KEY)
    changed = sealed[:-5] + ("A" if sealed[-5] != "A" else "B") + sealed[-4:]
    with pytest.raises(RefusedError):
        unseal(changed, [KEY], WHERE)


@pytest.mark.parametrize("text", ["sealed2:", "sealed2:00000000:", "sealed1:", "sealed2:é:é", "sealed1:AAAA"])
def test_what_only_says_that_it_is_sealed_is_refused_in_words(text: str) -> None:
    with pytest.raises(RefusedError, match="does not open"):
        unseal(text, [KEY], WHERE)
