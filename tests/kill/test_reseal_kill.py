"""`kill -9` at random moments of a change of the sealing key: all opens at once, and the next run ends with one key."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from ingestion import mending
from ingestion.landing import files, originals
from ingestion.landing.ledger import Ledger
from ingestion.privacy import keyfiles
from ingestion.privacy.seal import is_sealed, mark_of
from ingestion.privacy.tokens import load_keys
from tests.ingestion.privacy import people
from tests.kill.process import left_behind
from tests.kill.reseal_once import reseal
from tests.kill.shares import share
from tillmill.workspace import Workspace, open_workspace

FEW = 3
KILLS = share("reseal")
FILES, ROWS = 12, 20


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of many small loads, each with unknown fields, a row in quarantine, and what somebody said of it."""
    workspace = people.make(tmp_path_factory.mktemp("sealed") / "mill")
    for source in ("shop", "till"):
        (workspace.root / "incoming" / source).mkdir(parents=True)
    for number in range(FILES):
        rows = [
            people.MEMBERS[0]
            | {"member_id": f"M{number:03d}{row:03d}", "phone": f"138{number:04d}{row:04d}", "note": f"note {row}"}
            | ({"birth_year": "never"} if row == 0 else {})
            for row in range(ROWS)
        ]
        people.give(workspace, f"club/members_{number:03d}.csv", rows)
        people.pull(workspace)
    found = mending.open_rows(workspace, "club", "crm.members", unsealed=True)
    mending.fix(workspace, {row.place: {"name": "fixed"} for row in found}, "ana")
    return workspace.root


def check_readable(workspace: Workspace) -> None:
    """Every row, kept file and word of a person opens, whatever key it is under."""
    rows = mending.open_rows(workspace, "club", "crm.members", unsealed=True)
    assert sorted((row.record or {})["member_id"] or "" for row in rows) == [
        f"M{number:03d}000" for number in range(FILES)
    ]
    assert {(row.record or {})["name"] for row in rows} == {"fixed"}
    with Ledger(workspace.ledger) as ledger:
        kept = originals.listed(workspace, ledger)
        assert {one.name for one in kept} == {f"members_{number:03d}.csv" for number in range(FILES)}
        given = workspace.root / "incoming" / "club"
        assert all(originals.read(workspace, one) == (given / one.name).read_bytes() for one in kept)


def check(workspace: Workspace, old: bytes) -> None:
    [key] = load_keys(workspace).sealing
    assert key != old
    check_readable(workspace)
    mark = mark_of([key])
    with Ledger(workspace.ledger) as ledger:
        loads = ledger.loads(stream="crm.members")
        fixes = [text for load in loads for _, text in ledger.said_of(load.load_id)]
    for load in loads:
        for file, told, name, rows in (
            (load.file, load.sha256, "_extra", ROWS - 1),
            (load.quarantine_file, load.quarantine_sha256, "raw", 1),
        ):
            assert file is not None
            assert files.sha256(workspace.root / file) == told
            texts = pl.read_parquet(workspace.root / file)[name].to_list()
            assert len(texts) == rows
            assert all(is_sealed(text) and text.startswith(mark) for text in texts)
    assert len(fixes) == FILES
    assert all(text.startswith(mark) for text in fixes)
    on_disk = [path for path in workspace.originals.rglob("*") if path.is_file()]
    assert all(path.read_bytes().startswith(mark.encode()) for path in on_disk)
    counted = {workspace.root / file for load in loads for file in (load.file, load.quarantine_file) if file}
    lakes = (workspace.landing, workspace.quarantine)
    there = {path for lake in lakes for path in lake.rglob("*") if path.is_file() and path.name != "zero_rows.parquet"}
    assert there == counted


def kill_and_finish(sealed: Path, tmp_path: Path, kills: int) -> None:
    [old] = keyfiles.read_keys(open_workspace(sealed), "file:state/keys/sealing.key")
    each = left_behind("reseal_once", lambda name: [shutil.copytree(sealed, tmp_path / name)], kills)
    for number, root in enumerate(each):
        workspace = open_workspace(root)
        if number:
            check_readable(workspace)
            # One that was killed before it was asked has nothing to finish: the command is typed again.
            reseal(workspace, ask=[old] == list(load_keys(workspace).sealing))
            if len(load_keys(workspace).sealing) > 1:
                reseal(workspace, ask=True)
        check(workspace, old)
        shutil.rmtree(root)


def test_a_change_of_key_killed_at_random_moments_leaves_nothing_that_does_not_open(
    sealed: Path, tmp_path: Path
) -> None:
    kill_and_finish(sealed, tmp_path, FEW)


@pytest.mark.slow
@pytest.mark.timeout(600 + 20 * KILLS)
def test_many_kills_leave_nothing_that_does_not_open(sealed: Path, tmp_path: Path) -> None:
    kill_and_finish(sealed, tmp_path, KILLS)
