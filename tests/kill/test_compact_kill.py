"""`kill -9` at random moments of a compaction: a reader finds every row once at once, and the next one finishes."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from ingestion.landing import compaction, files
from ingestion.landing.ledger import Ledger
from ingestion.pulling import Limits, pull_all
from tests.ingestion.folder import Folder, landed, make_workspace, prepare, write_file
from tests.kill.compact_once import TARGET_ROWS, compact
from tests.kill.process import go, left_behind, waiting
from tests.kill.shares import share
from tillmill.workspace import Workspace, open_workspace

FEW = 4
KILLS = share("compact")
FILES, ROWS, BAD = 80, 20, 1


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next compaction, in this process, as the killed one."""
    monkeypatch.setattr(compaction, "TARGET_ROWS", TARGET_ROWS)


@pytest.fixture(scope="module")
def scattered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a load, and so a file, per page; each page has a row that went to quarantine."""
    workspace = make_workspace(tmp_path_factory.mktemp("scattered") / "mill")
    feed = tmp_path_factory.mktemp("feed")
    for number in range(FILES):
        write_file(feed, number, ROWS, bad=BAD)
    (done,) = pull_all(workspace, [Folder(feed)], prepare, limits=Limits(load_rows=ROWS))
    assert (len(done.loads), done.error) == (FILES, None)
    return workspace.root


def rows_of(workspace: Workspace) -> pl.DataFrame:
    with Ledger(workspace.ledger) as ledger:
        return landed(workspace, ledger.manifest()).sort("_load_seq", "_row")


def check_finished(workspace: Workspace) -> None:
    """Few files, each whole, and beside them those alone that wait for their readers."""
    with Ledger(workspace.ledger) as ledger:
        loads, waiting_files = ledger.loads(), {one.file for one in ledger.merged()}
    for load in loads:
        assert load.file is not None
        assert load.sha256 == files.sha256(workspace.root / load.file)
    counted = {load.file for load in loads}
    assert len(counted) <= 1 + FILES * ROWS // (TARGET_ROWS // 2)
    assert len(waiting_files) >= FILES
    on_disk = {path.relative_to(workspace.root) for path in workspace.landing.rglob("*") if path.is_file()}
    assert on_disk == counted | waiting_files


def kill_and_compact(scattered: Path, tmp_path: Path, kills: int) -> None:
    expected = rows_of(open_workspace(scattered))
    with Ledger(scattered / "state" / "ledger.sqlite") as ledger:
        older = ledger.manifest()
    for number, root in enumerate(
        left_behind("compact_once", lambda name: [shutil.copytree(scattered, tmp_path / name)], kills)
    ):
        workspace = open_workspace(root)
        if number:
            assert rows_of(workspace).equals(expected), "whoever reads before anything is repaired"
            compact(workspace)
        assert rows_of(workspace).equals(expected)
        check_finished(workspace)
        moved = older.with_columns(pl.col("path").str.replace(str(scattered), str(root), literal=True))
        assert landed(workspace, moved).sort("_load_seq", "_row").equals(expected), "an older manifest reads on"
        assert compact(workspace).merges == []
        shutil.rmtree(root)


def test_a_compaction_killed_at_random_moments_loses_and_doubles_no_row(scattered: Path, tmp_path: Path) -> None:
    kill_and_compact(scattered, tmp_path, min(KILLS, FEW))


@pytest.mark.slow
@pytest.mark.timeout(600 + 20 * KILLS)
def test_many_kills_of_a_compaction_lose_and_double_no_row(scattered: Path, tmp_path: Path) -> None:
    kill_and_compact(scattered, tmp_path, KILLS)


def test_a_reader_beside_a_compaction_finds_the_same_rows_each_time(scattered: Path, tmp_path: Path) -> None:
    workspace = open_workspace(Path(shutil.copytree(scattered, tmp_path / "read")))
    expected = rows_of(workspace)
    files_seen: set[int] = set()
    with waiting("compact_once", workspace.root) as process:
        go(process)
        while process.poll() is None:
            with Ledger(workspace.ledger) as ledger:
                manifest = ledger.manifest()
            files_seen.add(manifest["path"].n_unique())
            assert landed(workspace, manifest).sort("_load_seq", "_row").equals(expected)
    assert process.returncode == 0
    assert len(files_seen) > 1, "it read while files were merged"
