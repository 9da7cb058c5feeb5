"""`kill -9` at random moments of a pull, then a clean pull: every row once, every count true, nothing left over."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from ingestion.landing import files, quarantine
from ingestion.landing.ledger import Ledger
from ingestion.pulling import pull_all
from tests.ingestion.folder import Folder, landed, make_workspace, prepare, write_file
from tests.kill.process import kill, left_behind, undisturbed_seconds, waiting
from tests.kill.pull_once import LIMITS
from tests.kill.shares import share
from tillmill.workspace import Workspace, open_workspace

FEW = 10
KILLS = share("files")
FILES, ROWS, BAD = 60, 50, 2


@dataclass(frozen=True)
class Feed:
    """The source's files, all keys in them, and those of its bad rows."""

    folder: Path
    good: set[tuple[str, int]]
    bad: int


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Feed:
    folder = tmp_path_factory.mktemp("feed")
    keys: set[tuple[str, int]] = set()
    for number in range(FILES):
        written = write_file(folder, number, ROWS, bad=BAD)
        keys |= {key for key in written if key[1] >= BAD}
    return Feed(folder, keys, FILES * BAD)


def rows_for_comparison(workspace: Workspace) -> pl.DataFrame:
    """What people would see, without the columns that name the load."""
    with Ledger(workspace.ledger) as ledger:
        rows = landed(workspace, ledger.manifest())
    return rows.drop("_load_id", "_load_seq").sort("sale_id", "line_no")


def check(workspace: Workspace, feed: Feed) -> None:
    """None lost, none doubled, counts true, files whole and known."""
    with Ledger(workspace.ledger) as ledger:
        loads = ledger.loads()
        rows = landed(workspace, ledger.manifest())
    keys = rows.select("sale_id", "line_no").rows()
    assert len(keys) == len(set(keys))
    assert set(keys) == feed.good
    assert {load.state for load in loads} <= {"visible", "discarded"}
    visible = [load for load in loads if load.state == "visible"]
    assert all(load.pulled == load.landed + load.quarantined for load in visible)
    assert sum(load.pulled for load in visible) == len(feed.good) + feed.bad
    assert quarantine.rows(workspace).height == feed.bad
    assert sorted(load.visible_seq or 0 for load in visible) == [load.visible_seq for load in visible]
    on_disk = {path.relative_to(workspace.root) for path in (workspace.root / "lake").rglob("*") if path.is_file()}
    assert on_disk == {path for load in visible for path in (load.file, load.quarantine_file) if path is not None}
    for load in visible:
        assert load.file is not None
        assert load.sha256 == files.sha256(workspace.root / load.file)


def kill_and_repair(tmp_path: Path, feed: Feed, kills: int) -> None:
    expected = None
    each = left_behind("pull_once", lambda name: (make_workspace(tmp_path / name).root, feed.folder), kills)
    for root in each:
        workspace = open_workspace(root)
        if expected is None:
            expected = rows_for_comparison(workspace)
        else:
            result = pull_all(workspace, [Folder(feed.folder)], prepare, limits=LIMITS)[0]
            assert result.error is None
        check(workspace, feed)
        assert rows_for_comparison(workspace).equals(expected)
        assert pull_all(workspace, [Folder(feed.folder)], prepare, limits=LIMITS)[0].loads == ()
        shutil.rmtree(root)


def test_a_pull_killed_at_random_moments_loses_nothing_and_doubles_nothing(tmp_path: Path, feed: Feed) -> None:
    kill_and_repair(tmp_path, feed, min(KILLS, FEW))


@pytest.mark.slow
@pytest.mark.timeout(600 + 20 * KILLS)
def test_many_kills_lose_nothing_and_double_nothing(tmp_path: Path, feed: Feed) -> None:
    kill_and_repair(tmp_path, feed, KILLS)


def test_a_pull_killed_again_and_again_gets_on_and_ends_whole(tmp_path: Path, feed: Feed) -> None:
    seconds = undisturbed_seconds("pull_once", make_workspace(tmp_path / "undisturbed").root, feed.folder)
    workspace = make_workspace(tmp_path / "again")
    moments = random.Random(42)
    for _ in range(3):
        with waiting("pull_once", workspace.root, feed.folder) as process:
            kill(process, moments.uniform(0, seconds / 2))
    assert pull_all(workspace, [Folder(feed.folder)], prepare, limits=LIMITS)[0].error is None
    check(workspace, feed)
