"""A decision is kept with what was expected of it, lands with a run, and what it brought is said or measured."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from ingestion.landing.ledger import Ledger
from tests.apps import marts
from tillmill import decisions, inbox
from tillmill.actions import create_workspace
from tillmill.cli import app
from tillmill.errors import UsageError
from tillmill.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = create_workspace(tmp_path, marts.SETTINGS)
    (made.root / "run" / "clock").write_text(marts.CLOCK)
    return made


def record(workspace: Workspace, **more: object) -> decisions.Decision:
    said = {"kind": "price", "subject": "milk at 2.49", "expected_amount": 1200.0, "basis": "a trial", "author": "kim"}
    told = said | more
    return decisions.record(workspace.root, told.pop("kind"), told.pop("subject"), **told)  # type: ignore[arg-type]


def ledger(**more: object) -> pl.DataFrame:
    """`mart_decision` of a published version with one row."""
    row = {
        "decision_id": "d1", "kind": "promotion", "subject": "p1", "author": "kim", "basis": "last year",
        "decided_at": datetime(2017, 11, 6, 15, tzinfo=UTC), "decided_on": date(2017, 11, 6), "expected_amount": 100.0,
        "realised_amount": 70.0, "realised_on": date(2017, 12, 4), "realised_by": "measured", "deviation_amount": -30.0,
    }  # fmt: skip
    return pl.DataFrame([row | more])


def test_a_decision_lands_as_it_was_said_and_its_outcome_as_a_newer_version(workspace: Workspace) -> None:
    kept = record(workspace)
    decisions.settle(workspace.root, kept.decision_id, -50.5, by="lee")
    with Ledger(workspace.ledger) as opened:
        assert inbox.land(workspace, opened) == 2
        rows = inbox.landed(workspace, opened, decisions.STREAM)
        assert inbox.pending(workspace, opened, decisions.STREAM) == []
    assert rows["decision_id"].to_list() == [kept.decision_id] * 2
    assert rows["author"].to_list() == ["kim", "kim"]
    assert rows["expected_amount"].to_list() == [1200, 1200]
    assert [None if one is None else float(one) for one in rows["realised_amount"]] == [None, -50.5]
    assert rows["currency"].unique().to_list() == ["USD"]
    (known,) = decisions.known(workspace.root)
    assert (known.realised_amount, known.realised_by, known.deviation_amount) == (-50.5, "stated", -1250.5)


def test_what_cannot_be_used_is_refused_and_not_kept(workspace: Workspace) -> None:
    for more, told in (
        ({"kind": "hunch"}, "no kind 'hunch'"),
        ({"subject": " "}, "needs its subject"),
        ({"basis": ""}, "needs its basis"),
        ({"author": " "}, "who says so"),
        ({"expected_amount": float("nan")}, "is no amount"),
        ({"expected_amount": 1e12}, "is no amount"),
    ):
        with pytest.raises(UsageError, match=told):
            record(workspace, **more)
    with pytest.raises(UsageError, match="no decision 'x'"):
        decisions.settle(workspace.root, "x", 1.0, by="kim")
    assert decisions.known(workspace.root) == []


def test_the_published_ledger_tells_what_was_measured_until_people_say_otherwise(workspace: Workspace) -> None:
    marts.publish(workspace.root, {"mart_decision": ledger()})
    (measured,) = decisions.known(workspace.root)
    assert (measured.realised_amount, measured.realised_by, measured.is_pending) == (70.0, "measured", False)
    decisions.settle(workspace.root, "d1", 90.0, by="lee")
    (stated,) = decisions.known(workspace.root)
    assert (stated.realised_amount, stated.realised_by, stated.is_pending) == (90.0, "stated", True)
    with Ledger(workspace.ledger) as opened:
        inbox.land(workspace, opened)
    # Landed, and not in the published version yet.
    assert decisions.known(workspace.root)[0].is_pending
    marts.publish(workspace.root, {"mart_decision": ledger(realised_by="stated", realised_amount=90.0)}, version=2)
    assert not decisions.known(workspace.root)[0].is_pending


def test_the_command_line_keeps_settles_and_lists(workspace: Workspace) -> None:
    def run(*words: str) -> list[dict[str, object]]:
        done = CliRunner().invoke(app, ["decisions", *words, "--workspace", str(workspace.root), "--json"])
        assert done.exit_code == 0, done.output
        rows: list[dict[str, object]] = json.loads(done.stdout)
        return rows

    told = ("--kind", "other", "--expected", "-20", "--basis", "a guess", "--by", "kim")
    (kept,) = run("record", "a second shift", *told)
    (settled,) = run("settle", str(kept["decision_id"]), "--brought", "-5", "--by", "lee")
    assert settled["deviation_amount"] == 15.0
    (listed,) = run("list")
    assert (listed["subject"], listed["author"], listed["realised_amount"]) == ("a second shift", "kim", -5.0)
    # By the workspace's clock, whoever asks first.
    assert str(listed["at"]).startswith(marts.CLOCK[:10])
    shown = CliRunner().invoke(app, ["decisions", "list", "--workspace", str(workspace.root)])
    assert "pending" in shown.output
