"""What people decide on a suspected order is pending until a run, and each decision stays in the log."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from ingestion.landing.ledger import Ledger
from tests.apps import marts
from tillmill import inbox, verdicts
from tillmill.actions import create_workspace
from tillmill.errors import UsageError
from tillmill.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return create_workspace(tmp_path, marts.SETTINGS)


def judge(workspace: Workspace, verdict: str | None, **more: str) -> verdicts.Verdict:
    said = {"before": None, "reason": "a school's order", "author": "kim"} | more
    return verdicts.judge(workspace.root, "shop_a", 'A"1', verdict, **said)  # type: ignore[arg-type]


def test_the_latest_decision_on_an_order_is_pending_and_all_of_them_land(workspace: Workspace) -> None:
    judge(workspace, "honest")
    judge(workspace, None, before="honest", reason="a slip", author="lee")
    waiting = verdicts.pending(workspace.root)
    assert waiting == [verdicts.Verdict("shop_a", 'A"1', None, "a slip", "lee")]
    with Ledger(workspace.ledger) as ledger:
        assert inbox.land(workspace, ledger) == 2
    assert verdicts.pending(workspace.root) == []
    files = (workspace.landing / "tillmill.entries").rglob("people/*.parquet")
    rows = pl.concat(pl.read_parquet(path) for path in files)
    assert rows["author"].to_list() == ["kim", "lee"]
    assert json.loads(rows["row"][0]) == {"shop_id": "shop_a", "order_id": 'A"1'}
    assert [json.loads(new)["verdict"] for new in rows["new"]] == ["honest", None]
    assert json.loads(rows["old"][1]) == {"verdict": "honest"}


def test_what_cannot_be_used_is_refused_and_not_kept(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="no verdict"):
        judge(workspace, "perhaps")
    with pytest.raises(UsageError, match="needs its reason"):
        judge(workspace, "honest", reason=" ")
    with pytest.raises(UsageError, match="who says so"):
        judge(workspace, "honest", author="")
    assert verdicts.pending(workspace.root) == []
