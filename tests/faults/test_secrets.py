"""Fault 33: secrets that are missing, written out or readable by all: refused, with the command that mends it."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.faults.shop import SETTINGS, files_of_lake, landed_rows, make_shop, tillmill
from tillmill.workspace import SETTINGS_FILE, Workspace, open_workspace

SECRET = "t0p-s3cret-token"
SHOP = """
[[sources]]
name = "shop"
connector = "rest"
connection = {{ base_url = "http://127.0.0.1:9", token = "{token}", attempts = 1 }}
[[sources.streams]]
stream = "plm.items"
pull = {{ path = "shops" }}
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make_shop(tmp_path)


def with_shop(workspace: Workspace, token: str) -> Workspace:
    (workspace.root / SETTINGS_FILE).write_text(SETTINGS + SHOP.format(token=token))
    return open_workspace(workspace.root)


def everything_written(root: Path) -> bytes:
    """All that the product wrote: logs, ledger, lake."""
    return b"".join(
        path.read_bytes()
        for name in ("logs", "state", "lake", "run")
        for path in (root / name).rglob("*")
        if path.is_file()
    )


@pytest.mark.parametrize("name", ["token.key", "sealing.key"])
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o606])
def test_a_key_that_others_can_read_is_refused_and_the_command_mends_it(
    workspace: Workspace, name: str, mode: int
) -> None:
    key = workspace.keys / name
    key.chmod(mode)
    done = tillmill(workspace, "ingest")
    assert done.code == 2
    assert "can be read by others" in done.said
    assert key.read_text().strip() not in done.said
    assert files_of_lake(workspace) == set()
    said = re.search(r"Next: (chmod 600 .*)", done.said)
    assert said is not None
    subprocess.run(shlex.split(said[1]), check=True)
    assert tillmill(workspace, "ingest").code == 0


@pytest.mark.parametrize("text", [None, "", "0" * 63, "changeme"])
def test_a_key_that_is_missing_or_too_short_is_refused(workspace: Workspace, text: str | None) -> None:
    key = workspace.keys / "token.key"
    key.unlink()
    if text is not None:
        key.write_text(text)
        key.chmod(0o600)
    done = tillmill(workspace, "ingest")
    assert done.code == 2
    assert "token.key" in done.said
    assert files_of_lake(workspace) == set()


@pytest.mark.parametrize(
    ("token", "said"),
    [
        (SECRET, "a secret is given by reference"),
        ("env:TILLMILL_TEST_NOT_SET", "env:TILLMILL_TEST_NOT_SET is not set"),
        ("file:state/none.token", "does not exist"),
        ("file:state/open.token", "can be read by others"),
    ],
)
def test_a_sources_secret_stops_that_source_alone_and_is_nowhere_told(
    workspace: Workspace, token: str, said: str
) -> None:
    (workspace.root / "state" / "open.token").write_text(SECRET)
    (workspace.root / "state" / "open.token").chmod(0o644)
    done = tillmill(with_shop(workspace, token), "ingest")
    assert done.code == 1
    assert said in done.said
    assert SECRET not in done.said
    (workspace.root / "state" / "open.token").unlink()
    assert SECRET.encode() not in everything_written(workspace.root)
    assert landed_rows(workspace)["pos.stores"] == 1


def test_a_source_that_cannot_be_reached_does_not_tell_the_secret_it_was_to_be_shown(workspace: Workspace) -> None:
    path = workspace.root / "state" / "shop.token"
    path.write_text(SECRET)
    path.chmod(0o600)
    done = tillmill(with_shop(workspace, "file:state/shop.token"), "ingest")
    assert done.code == 1
    path.unlink()
    assert SECRET not in done.said
    assert SECRET.encode() not in everything_written(workspace.root)
