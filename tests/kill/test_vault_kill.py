"""`kill -9` at random moments of a pull of people: afterwards every row has its entry and every entry its row."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from ingestion.landing import originals
from ingestion.landing.ledger import Ledger
from ingestion.privacy.tokens import load_keys, token
from ingestion.privacy.vault import Vault
from tests.ingestion.privacy import people
from tests.kill.process import left_behind
from tests.kill.pull_people import LIMITS
from tests.kill.shares import share
from tillmill.workspace import Workspace, open_workspace

FEW = 3
KILLS = share("vault")
FILES, ROWS = 12, 20


def feed(workspace: Workspace) -> None:
    """Files of members, each with one that cannot be read."""
    for source in ("shop", "till"):
        (workspace.root / "incoming" / source).mkdir(parents=True)
    for number in range(FILES):
        rows = [
            {
                "member_id": f"M{number:03d}{row:03d}",
                "name": f"Name {row}",
                "phone": f"138{number:04d}{row:04d}",
                "birth_year": "never" if row == 0 else "1990",
                "updated_at": people.AT,
            }
            for row in range(ROWS)
        ]
        people.give(workspace, f"club/members_{number:03d}.csv", rows)


def entries(workspace: Workspace) -> set[tuple[int, int]]:
    connection = sqlite3.connect(workspace.vault)
    try:
        return set(connection.execute("select load_seq, row from entries").fetchall())
    finally:
        connection.close()


def check(workspace: Workspace) -> None:
    rows = people.landed(workspace, "crm.members")
    assert rows.height == rows["member_id_token"].n_unique() == FILES * (ROWS - 1)
    assert entries(workspace) == set(rows.select("_load_seq", "_row").iter_rows())
    keys = load_keys(workspace)
    with Vault(workspace) as vault, Ledger(workspace.ledger) as ledger:
        one = token("code", "M005007", keys.token)
        found = vault.read(tokens=[one], who="test", purpose="a test")
        assert found["phone"].to_list() == ["13800050007"]
        assert rows.filter(member_id_token=one).select("_load_seq", "_row").row(0) == found.select(
            "load_seq", "row"
        ).row(0)
        kept = originals.listed(workspace, ledger)
        assert {original.name for original in kept} == {f"members_{number:03d}.csv" for number in range(FILES)}
        given = workspace.root / "incoming" / "club"
        assert all(originals.read(workspace, one) == (given / one.name).read_bytes() for one in kept)
    on_disk = [path for path in workspace.originals.rglob("*") if path.is_file()]
    assert {path.stem for path in on_disk} == {original.content for original in kept}
    hidden = [path for path in (workspace.root / "lake").rglob("*") if path.is_file() and path.name.startswith(".")]
    assert hidden == []


def kill_and_repair(tmp_path: Path, kills: int) -> None:
    fresh = people.make(tmp_path / "fresh")
    feed(fresh)
    for root in left_behind("pull_people", lambda name: [shutil.copytree(fresh.root, tmp_path / name)], kills):
        workspace = open_workspace(root)
        assert [result.error for result in people.ingest(workspace, LIMITS)] == [None] * 4
        check(workspace)
        shutil.rmtree(root)


def test_a_pull_killed_at_random_moments_leaves_no_row_without_entry_and_no_entry_without_row(tmp_path: Path) -> None:
    kill_and_repair(tmp_path, FEW)


@pytest.mark.slow
@pytest.mark.timeout(600 + 20 * KILLS)
def test_many_kills_leave_no_row_without_entry_and_no_entry_without_row(tmp_path: Path) -> None:
    kill_and_repair(tmp_path, KILLS)
