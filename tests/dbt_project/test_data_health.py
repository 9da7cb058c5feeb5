"""The data-health mart on a real ledger: rows go to quarantine, are mended and replayed; the sums hold throughout."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from ingestion.dismissing import dismiss
from ingestion.landing.ledger import Ledger, Place
from ingestion.mending import fix, open_rows, replay_open
from ingestion.runner import ingest
from tests.dbt_project.conftest import Warehouse
from tillmill import health
from tillmill.actions import create_workspace
from tillmill.learning import fingerprint
from tillmill.workspace import Workspace

SETTINGS = """
[brand]
name = "Mill"
currency = "USD"
timezone = "UTC"
[[sources]]
name = "dc"
connector = "files"
[sources.connection]
url = "in"
[[sources.streams]]
stream = "wms.stock"
pull = { path = "stock*.csv", settle_seconds = 0 }
[[sources.streams]]
stream = "mes.quality"
pull = { path = "checks*.csv", settle_seconds = 0 }
"""
HEAD = "location_id,sku,lot_id,quality,owner_id,as_of,on_hand_units"
FIRST = f"{HEAD}\nL1,001,A,good,own,2017-01-14,5\nL1,002,A,good,own,2017-01-14,many\nL1,003,A,good,own,2017-01-14,few\n"
SECOND = f"{HEAD},shelf\nL1,001,A,good,own,2017-01-15,4,S1\nL1,002,A,fine,own,2017-01-15,3,S1\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return create_workspace(tmp_path, SETTINGS)


def pull(workspace: Workspace, name: str, text: str) -> None:
    path = workspace.root / "in" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    os.utime(path, (1_490_000_000, 1_490_000_000))
    assert not any(result.error for result in ingest(workspace))


def build(warehouse: Warehouse, workspace: Workspace) -> None:
    """A candidate of what the workspace's ledger holds now, with everything its tests check."""
    with Ledger(workspace.ledger) as ledger:
        ledger.export_manifest(warehouse.folder / "manifest.parquet")
        shutil.copytree(health.freeze(workspace, ledger), warehouse.folder / "health", dirs_exist_ok=True)
    # Of the passes what the mart stands on: a comma is dbt's "and".
    for one in ("pass_a", "pass_d"):
        warehouse.dbt.build(f"{one},+mart_data_health")


def test_sums_hold_through_quarantine_fix_and_replay(warehouse: Warehouse, workspace: Workspace) -> None:
    warehouse.fresh()
    pull(workspace, "stock1.csv", FIRST)
    pull(workspace, "stock2.csv", SECOND)
    build(warehouse, workspace)
    account = """
        select pulled_rows, landed_rows, quarantined_rows, refused_rows, replayed_rows, is_accounted, current_rows,
            last_pulled_rows, last_landed_rows, last_quarantined_rows, main_reason, new_fields, verdict
        from mart_data_health where stream = 'wms.stock'
    """
    number = "on_hand_units is not a number that fits"
    assert warehouse.rows(account) == [(5, 2, 3, 3, 0, True, 2, 2, 1, 1, number, "shelf", "quarantined")]
    why = "select field, reason_rows, example from mart_quarantine order by reason_rows desc"
    assert warehouse.rows(why) == [("on_hand_units", 2, "stock1.csv:3"), ("quality", 1, "stock2.csv:3")]
    changed = "select field, change from mart_field_change"
    assert warehouse.rows(changed) == [("shelf", "new")]
    assert warehouse.rows("select retyped_fields from mart_data_health where stream = 'wms.stock'") == [("",)]

    told: dict[Place, dict[str, str | None]] = {
        row.place: {"on_hand_units": "7", "quality": "good"} for row in open_rows(workspace, "dc", "wms.stock")
    }
    fix(workspace, told, "ada")
    assert [done.landed for done in replay_open(workspace)] == [3]
    build(warehouse, workspace)
    assert warehouse.rows(account) == [(5, 5, 0, 3, 3, True, 5, 2, 1, 1, "", "shelf", "changed")]
    assert warehouse.rows(why) == []
    assert warehouse.rows(
        "select kind, pulled_rows, landed_rows, quarantined_rows from int_stream_loads order by place"
    ) == [
        ("replay", 0, 3, -3),
        ("pull", 2, 1, 1),
        ("pull", 3, 1, 2),
    ]


def test_a_bound_stream_that_never_landed_and_one_without_a_source_are_told_apart(
    warehouse: Warehouse, workspace: Workspace
) -> None:
    warehouse.fresh()
    pull(workspace, "stock1.csv", FIRST)
    build(warehouse, workspace)
    seen = "select _source, is_bound, loads, is_fresh, verdict from mart_data_health where stream = '{}'"
    assert warehouse.rows(seen.format("mes.quality")) == [("dc", True, 0, None, "never")]
    assert warehouse.rows(seen.format("pos.sale_lines")) == [("-", False, 0, None, "not_connected")]
    learnt = "select count(*) from mart_data_health where split_part(stream, '.', 1) in ('planning', 'reference')"
    assert warehouse.rows(learnt) == [(0,)]


def test_rows_that_were_set_aside_ask_for_nobody_and_are_still_counted(
    warehouse: Warehouse, workspace: Workspace
) -> None:
    warehouse.fresh()
    pull(workspace, "stock1.csv", FIRST)
    with Ledger(workspace.ledger) as ledger:
        before = fingerprint(workspace, ledger)
    places = [row.place for row in open_rows(workspace, "dc", "wms.stock")]
    dismiss(workspace, places[:1], why="a test", author="ada")
    with Ledger(workspace.ledger) as ledger:
        assert fingerprint(workspace, ledger) != before
    build(warehouse, workspace)
    account = """
        select pulled_rows, landed_rows, quarantined_rows, dismissed_rows, refused_rows, replayed_rows, is_accounted,
            verdict
        from mart_data_health where stream = 'wms.stock'
    """
    assert warehouse.rows(account) == [(3, 1, 1, 1, 2, 0, True, "quarantined")]
    dismiss(workspace, places[1:], why="a test", author="ada")
    build(warehouse, workspace)
    assert warehouse.rows(account)[0][:-1] == (3, 1, 0, 2, 2, 0, True)
    assert warehouse.rows(account)[0][-1] != "quarantined"
    assert warehouse.rows("select * from mart_quarantine") == []
