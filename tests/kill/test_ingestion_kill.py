"""`kill -9` at random moments of a pull, then a clean pull: every row once, every count true, nothing left over."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from ingestion.landing import files, quarantine
from ingestion.landing.ledger import Ledger
from ingestion.pulling import pull_all
from tests.ingestion.folder import Folder, landed, make_workspace, prepare, write_file
from tests.kill.moments import Moments
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


@contextmanager
def waiting(workspace: Path, feed: Feed) -> Iterator[subprocess.Popen[str]]:
    """A process that has imported everything and pulls when told to."""
    command = [sys.executable, "-m", "tests.kill.pull_once", str(workspace), str(feed.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("go\n")
    process.stdin.flush()


def undisturbed_seconds(tmp_path: Path, feed: Feed) -> float:
    workspace = make_workspace(tmp_path / "undisturbed")
    with waiting(workspace.root, feed) as process:
        go(process)
        started = time.perf_counter()
        assert process.stdout is not None
        assert process.stdout.readline() == "done\n"
        return time.perf_counter() - started


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
    seconds = undisturbed_seconds(tmp_path, feed)
    expected = rows_for_comparison(open_workspace(tmp_path / "undisturbed"))
    moments = Moments(seconds, kills)
    workspaces = [make_workspace(tmp_path / f"kill{number}") for number in range(kills)]
    with ExitStack() as started:
        # The next process imports while this one is killed and repaired.
        ahead = started.enter_context(waiting(workspaces[0].root, feed))
        for number, workspace in enumerate(workspaces):
            process = ahead
            if number + 1 < kills:
                ahead = started.enter_context(waiting(workspaces[number + 1].root, feed))
            go(process)
            time.sleep(moments.next())
            process.kill()
            said, _ = process.communicate()
            moments.was(said == "")
            result = pull_all(workspace, [Folder(feed.folder)], prepare, limits=LIMITS)[0]
            assert result.error is None
            check(workspace, feed)
            assert rows_for_comparison(workspace).equals(expected)
            assert pull_all(workspace, [Folder(feed.folder)], prepare, limits=LIMITS)[0].loads == ()
            shutil.rmtree(workspace.root)
    assert moments.prove_something()


def test_a_pull_killed_at_random_moments_loses_nothing_and_doubles_nothing(tmp_path: Path, feed: Feed) -> None:
    kill_and_repair(tmp_path, feed, min(KILLS, FEW))


@pytest.mark.slow
@pytest.mark.timeout(600 + 20 * KILLS)
def test_many_kills_lose_nothing_and_double_nothing(tmp_path: Path, feed: Feed) -> None:
    kill_and_repair(tmp_path, feed, KILLS)


def test_a_pull_killed_again_and_again_gets_on_and_ends_whole(tmp_path: Path, feed: Feed) -> None:
    seconds = undisturbed_seconds(tmp_path, feed)
    workspace = make_workspace(tmp_path / "again")
    moments = random.Random(42)
    for _ in range(3):
        with waiting(workspace.root, feed) as process:
            go(process)
            time.sleep(moments.uniform(0, seconds / 2))
            process.kill()
    assert pull_all(workspace, [Folder(feed.folder)], prepare, limits=LIMITS)[0].error is None
    check(workspace, feed)
