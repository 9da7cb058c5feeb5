"""`tillmill lake compact`, as a person types it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from typer.testing import CliRunner

from ingestion.landing import files, originals
from ingestion.landing.ledger import Ledger
from ingestion.landing.locks import run_lock
from ingestion.mending import replay_open
from ingestion.privacy import rekeying
from ingestion.privacy.tokens import create_keys
from ingestion.runner import ingest
from tests.ingestion.folder import landed
from tillmill.cli import app
from tillmill.errors import LockedError, SettingsError, TillmillError
from tillmill.status import status
from tillmill.workspace import SETTINGS_FILE, Workspace, open_workspace

SETTINGS = """
[brand]
name = "Mill"
currency = "USD"
timezone = "UTC"
[[sources]]
name = "wms"
connector = "files"
[sources.connection]
url = "in"
[[sources.streams]]
stream = "wms.stock"
max_quarantined_rate = 1
pull = { path = "*.csv", settle_seconds = 0 }
[sources.streams.fields]
"""
DOCS = Path(__file__).parents[2] / "docs" / "lake.md"
MENDED = 'on_hand_units = { field = "on_hand_units", values = { many = "7" } }\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Five loads of three rows, one of which is in quarantine."""
    (tmp_path / SETTINGS_FILE).write_text(SETTINGS)
    (tmp_path / "in").mkdir()
    workspace = open_workspace(tmp_path)
    create_keys(workspace)
    for number in range(5):
        rows = [f"L,{number},{row},good,own,2026-01-01,{'many' if row == 0 else 5}" for row in range(3)]
        path = tmp_path / "in" / f"stock_{number}.csv"
        path.write_text("\n".join(["location_id,sku,lot_id,quality,owner_id,as_of,on_hand_units", *rows]) + "\n")
        os.utime(path, (1_490_000_000, 1_490_000_000))
        ingest(workspace)
    return tmp_path


def compact(root: Path, *words: str) -> str:
    done = CliRunner().invoke(app, ["lake", "compact", *words, "--workspace", str(root)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def rows_of(workspace: Workspace) -> pl.DataFrame:
    with Ledger(workspace.ledger) as ledger:
        return landed(workspace, ledger.manifest()).sort("_load_seq", "_row")


def account(workspace: Workspace) -> list[dict[str, Any]]:
    return [{**stream, "lag_hours": None} for stream in status(workspace)["streams"]]


def test_it_says_what_it_would_do_then_does_it_and_the_account_stays(root: Path) -> None:
    workspace = open_workspace(root)
    before, rows = account(workspace), rows_of(workspace)
    told = compact(root, "--dry-run")
    assert "Nothing was changed" in told
    assert "wms.stock" in told
    assert rows_of(workspace).equals(rows)
    assert "5 wait until nobody can be reading them" in compact(root, "wms.stock")
    assert account(workspace) == before
    assert rows_of(workspace).equals(rows)
    assert "nothing to merge" in compact(root)


def test_the_query_of_the_docs_finds_what_became_visible_since(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compact(root)
    workspace = open_workspace(root)
    workspace.build.mkdir(exist_ok=True)
    with Ledger(workspace.ledger) as ledger:
        ledger.export_manifest(workspace.build / "manifest.parquet")
    query = DOCS.read_text(encoding="utf-8").split("```sql\n")[1].split("```")[0]
    monkeypatch.chdir(root)
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        first, second = query.replace("pos.sale_lines", "wms.stock").replace("120", "3").split(";")[:2]
        connection.execute(first)
        found = connection.sql(second).pl().sort("_load_seq", "_row")
    assert found["visible_seq"].to_list() == [4, 4, 5, 5]
    assert found.drop("visible_seq").equals(rows_of(workspace)[-4:])


def test_rows_leave_quarantine_as_if_nothing_had_been_merged(root: Path) -> None:
    compact(root)
    (root / SETTINGS_FILE).write_text(SETTINGS + MENDED)
    workspace = open_workspace(root)
    replay_open(workspace)
    compact(root)
    told = status(workspace)["streams"][0]
    assert (told["pulled"], told["landed"], told["quarantined"]) == (15, 15, 0)
    assert rows_of(workspace).select("_load_seq", "_row").is_unique().all()
    assert replay_open(workspace) == []


def test_another_runs_lock_ends_it_with_75(root: Path) -> None:
    with run_lock(open_workspace(root)), pytest.raises(LockedError) as refused:
        compact(root)
    assert refused.value.exit_code == 75


def test_a_stream_nobody_knows_is_refused(root: Path) -> None:
    with pytest.raises(SettingsError, match=r"did you mean 'wms\.stock'"):
        compact(root, "wms.stocks")


def test_it_waits_for_a_request_that_writes_files_anew(root: Path) -> None:
    workspace = open_workspace(root)
    rekeying.ask(workspace, by="ana")
    with pytest.raises(TillmillError, match="is not finished"):
        compact(root)


def test_it_sweeps_what_a_kill_has_left_and_source_files_past_their_days(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = open_workspace(root)
    workspace.build.mkdir(exist_ok=True)
    left = [
        workspace.build / f".manifest.parquet.1{files.SPOOL}",
        workspace.landing / "wms.stock" / "wms" / f".wms.stock-wms-00000009.9{files.SPOOL}",
    ]
    for path in left:
        path.write_bytes(b"half")
    assert len(list(workspace.originals.rglob("*.sealed"))) == 5
    monkeypatch.setattr(originals, "timedelta", lambda days: originals.now() - originals.now())
    told = compact(root)
    assert "5 source files past their days removed, 2 left-over files swept aside" in told
    assert not any(path.exists() for path in left)
    assert not list(workspace.originals.rglob("*.sealed"))
