"""`kill -9` at random moments of a replay, then a clean one: each row leaves quarantine once, every count true."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from ingestion.landing.ledger import Ledger
from ingestion.mending import replay_open
from ingestion.prepare import prepare
from ingestion.privacy.tokens import create_keys, load_keys
from ingestion.pulling import Limits, pull_all
from ingestion.sources import bind
from tests.ingestion.folder import landed
from tests.kill.process import left_behind
from tests.kill.shares import share
from tillmill.status import status
from tillmill.workspace import SETTINGS_FILE, Workspace, open_workspace

FEW = 3
KILLS = share("replay")
FILES, ROWS, BAD = 30, 20, 5
SETTINGS = """
[brand]
name = "Mill"
currency = "EUR"
timezone = "Europe/Paris"
[[sources]]
name = "wms"
connector = "files"
[sources.connection]
url = "in"
[[sources.streams]]
stream = "wms.stock"
max_quarantined_rate = 1
pull = { path = "*.csv", settle_seconds = 0, page_rows = 1 }
[sources.streams.fields]
"""
MENDED = 'on_hand_units = { field = "on_hand_units", values = { many = "7" } }\n'


@pytest.fixture(scope="module")
def quarantined(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a load per file, each with a few bad rows, and a mapping mended since."""
    root = tmp_path_factory.mktemp("quarantined")
    (root / "in").mkdir()
    for number in range(FILES):
        rows = [f"L,{number},{row},good,own,2026-01-01,{'many' if row < BAD else 5}" for row in range(ROWS)]
        text = "\n".join(["location_id,sku,lot_id,quality,owner_id,as_of,on_hand_units", *rows])
        (root / "in" / f"stock_{number:02d}.csv").write_text(text + "\n")
    (root / SETTINGS_FILE).write_text(SETTINGS)
    workspace = open_workspace(root)
    create_keys(workspace)
    keys = load_keys(workspace)
    (done,) = pull_all(
        workspace, bind(workspace), lambda stream, page: prepare(stream, page, keys), limits=Limits(load_rows=ROWS)
    )
    assert (len(done.loads), done.quarantined, done.error) == (FILES, FILES * BAD, None)
    (root / SETTINGS_FILE).write_text(SETTINGS + MENDED)
    return root


def check(workspace: Workspace) -> None:
    with Ledger(workspace.ledger) as ledger:
        loads = ledger.loads()
        rows = landed(workspace, ledger.manifest())
    assert rows.height == FILES * ROWS
    assert rows.select("sku", "lot_id").is_unique().all()
    assert rows.filter(pl.col("on_hand_units").cast(pl.Float64) == 7).height == FILES * BAD
    assert rows.select("_load_seq", "_row").is_unique().all()
    assert {load.state for load in loads} == {"visible"}
    told = status(workspace)["streams"][0]
    assert (told["pulled"], told["landed"], told["quarantined"]) == (FILES * ROWS, FILES * ROWS, 0)
    lakes = (workspace.landing, workspace.quarantine)
    on_disk = {path.relative_to(workspace.root) for lake in lakes for path in lake.rglob("*") if path.is_file()}
    assert on_disk == {path for load in loads for path in (load.file, load.quarantine_file) if path is not None}


def kill_and_replay(quarantined: Path, tmp_path: Path, kills: int) -> None:
    for number, root in enumerate(
        left_behind("replay_once", lambda name: [shutil.copytree(quarantined, tmp_path / name)], kills)
    ):
        workspace = open_workspace(root)
        if number:
            replay_open(workspace)
        check(workspace)
        assert replay_open(workspace) == []
        shutil.rmtree(root)


def test_a_replay_killed_at_random_moments_loses_nothing_and_doubles_nothing(quarantined: Path, tmp_path: Path) -> None:
    kill_and_replay(quarantined, tmp_path, min(KILLS, FEW))


@pytest.mark.slow
@pytest.mark.timeout(600 + 20 * KILLS)
def test_many_kills_of_a_replay_lose_nothing_and_double_nothing(quarantined: Path, tmp_path: Path) -> None:
    kill_and_replay(quarantined, tmp_path, KILLS)
