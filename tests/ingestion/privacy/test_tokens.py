from __future__ import annotations

import stat
from pathlib import Path

import polars as pl
import pytest

from ingestion.privacy.tokens import create_keys, load_keys, tokenise
from tests.ingestion.connectors.fixtures import make_workspace
from tillmill.errors import SettingsError

KEY, OTHER = b"k" * 32, b"o" * 32


def test_equal_persons_give_equal_tokens_and_only_with_the_same_key() -> None:
    spellings = pl.Series(["+1 212 555 0123", "(212) 555-0123", None, "2125550124", "138****0000"])
    tokens = tokenise(spellings, "phone", KEY, "1").to_list()
    assert tokens[0] == tokens[1]
    assert tokens[3] not in {tokens[0], None}
    assert tokens[2] is None
    assert tokens[4] is None
    assert tokenise(spellings, "phone", OTHER, "1").to_list()[0] != tokens[0]


def test_kinds_do_not_share_tokens() -> None:
    same = pl.Series(["2125550123"])
    assert tokenise(same, "phone", KEY).item() != tokenise(same, "code", KEY).item()


def test_a_token_does_not_hold_its_value() -> None:
    token = tokenise(pl.Series(["2125550123"]), "phone", KEY).item()
    assert len(token) == 32
    assert "2125550123" not in token


def test_keys_are_made_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    create_keys(workspace)
    made = load_keys(workspace)
    create_keys(workspace)
    assert load_keys(workspace) == made
    assert made.token != made.sealing
    assert len(made.token) == 32
    for path in workspace.keys.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert made.token.hex() not in repr(made)


def test_a_key_others_can_read_is_refused_with_the_command_that_mends_it(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    create_keys(workspace)
    (workspace.keys / "token.key").chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        load_keys(workspace)


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    create_keys(workspace)
    (workspace.keys / "token.key").write_text("00ff")
    with pytest.raises(SettingsError, match="no key of 32 bytes"):
        load_keys(workspace)
