"""What people say is on disk at once, pending until a run, and lands once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from ingestion.landing.ledger import Ledger
from tillmill import inbox
from tillmill.actions import create_workspace
from tillmill.errors import ContractError, UsageError
from tillmill.workspace import Workspace

SETTINGS = '[brand]\nname = "Inbox"\ncurrency = "USD"\ntimezone = "UTC"\n'
NEVER = {
    "left_record": "a", "right_record": "b", "rule": "person", "model_version": "-", "verdict": "never",
    "weight": 1.0, "evidence": "two brothers", "at": "2017-12-01T10:00:00+00:00",
}  # fmt: skip


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return create_workspace(tmp_path, SETTINGS)


def landed(workspace: Workspace) -> pl.DataFrame:
    return pl.concat(
        pl.read_parquet(path) for path in (workspace.landing / "customers.links").rglob("people/*.parquet")
    )


def test_an_entry_is_pending_and_lands_once(workspace: Workspace) -> None:
    with Ledger(workspace.ledger) as ledger:
        inbox.say(workspace, "customers.links", NEVER, author="kim")
        waiting = inbox.pending(workspace, ledger, "customers.links")
        assert [(row["left_record"], row["author"]) for row in waiting] == [("a", "kim")]
        assert inbox.land(workspace, ledger) == 1
        assert inbox.pending(workspace, ledger, "customers.links") == []
        assert inbox.land(workspace, ledger) == 0
        inbox.say(workspace, "customers.links", NEVER | {"right_record": "c"}, author="kim")
        assert inbox.land(workspace, ledger) == 1
    rows = landed(workspace).sort("right_record")
    assert rows["right_record"].to_list() == ["b", "c"]
    assert rows["verdict"].to_list() == ["never"] * 2
    assert rows["at"].to_list() == [datetime(2017, 12, 1, 10, tzinfo=UTC)] * 2


def test_what_the_contract_would_not_take_is_refused_at_once(workspace: Workspace) -> None:
    with pytest.raises(ContractError):
        inbox.say(workspace, "customers.links", NEVER | {"verdict": "perhaps"}, author="kim")
    with pytest.raises(UsageError, match="no column 'why'"):
        inbox.say(workspace, "customers.links", NEVER | {"why": "?"}, author="kim")
    with pytest.raises(UsageError, match="who says so"):
        inbox.say(workspace, "customers.links", NEVER, author=" ")
    with Ledger(workspace.ledger) as ledger:
        assert inbox.pending(workspace, ledger, "customers.links") == []
