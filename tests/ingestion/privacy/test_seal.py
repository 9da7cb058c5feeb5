from __future__ import annotations

import pytest

from ingestion.privacy.seal import seal, unseal
from tillmill.errors import RefusedError

KEY = b"s" * 32


def test_what_is_sealed_opens_again_and_shows_nothing() -> None:
    [sealed, none] = seal(['{"phone":"2125550123"}', None], KEY, "crm/crm.members", ["a:2", "a:3"])
    assert none is None
    assert sealed is not None
    assert "2125550123" not in sealed
    assert unseal(sealed, KEY, "crm/crm.members") == '{"phone":"2125550123"}'


def test_the_same_row_pulled_again_seals_alike_but_equal_texts_do_not_show_it() -> None:
    first = seal(["x", "x"], KEY, "crm/crm.members", ["a:2", "a:3"])
    assert first == seal(["x", "x"], KEY, "crm/crm.members", ["a:2", "a:3"])
    assert first[0] != first[1]


@pytest.mark.parametrize(("key", "context"), [(b"x" * 32, "crm/crm.members"), (KEY, "crm/crm.campaigns")])
def test_another_key_or_another_stream_does_not_open_it(key: bytes, context: str) -> None:
    [sealed] = seal(["secret"], KEY, "crm/crm.members", ["a:2"])
    assert sealed is not None
    with pytest.raises(RefusedError, match="does not open"):
        unseal(sealed, key, context)


def test_a_changed_text_does_not_open() -> None:
    [sealed] = seal(["secret"], KEY, "c", ["a:2"])
    assert sealed is not None
    changed = sealed[:-5] + ("A" if sealed[-5] != "A" else "B") + sealed[-4:]
    with pytest.raises(RefusedError):
        unseal(changed, KEY, "c")
