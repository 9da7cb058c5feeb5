"""An override is somebody's word on weeks of the forecast, and counts once somebody else has said yes."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from ingestion.landing.ledger import Ledger
from tests.apps import marts
from tests.apps.brand import LAST_WEEK
from tillmill import inbox, override_commands, overrides
from tillmill.actions import create_workspace
from tillmill.cli import app
from tillmill.errors import RefusedError, UsageError
from tillmill.overrides import Override, Scope
from tillmill.workspace import open_workspace

NEXT = LAST_WEEK + timedelta(weeks=1)
ITEM = Scope(sku="01", channel_id="store")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with a published forecast of 12, 13, 14 and 15 units of each of three items."""
    create_workspace(tmp_path, marts.SETTINGS)
    return marts.publish(tmp_path, marts.marts())


def said(root: Path, weeks: dict[date, float] | None = None, scope: Scope = ITEM, **more: str) -> list[Override]:
    told = {"reason": "event", "note": "a marathon passes the stores", "author": "kim"} | more
    return overrides.say(root, scope, weeks or {NEXT: 40.0}, **told)


def land(root: Path) -> pl.DataFrame:
    workspace = open_workspace(root)
    with Ledger(workspace.ledger) as ledger:
        inbox.land(workspace, ledger)
    files = sorted((workspace.landing / overrides.STREAM).rglob("people/*.parquet"))
    return pl.concat(pl.read_parquet(path) for path in files).sort("_load_seq", "_row")


def test_an_override_keeps_the_baseline_beside_it_and_waits_for_a_second_person(root: Path) -> None:
    (one,) = said(root)
    assert (one.old, one.new, one.from_on, one.to_on) == (13.0, 40.0, NEXT, NEXT + timedelta(days=6))
    assert not one.is_approved
    (approved,) = overrides.approve(root, [one.override_id], by="lee")
    assert approved.is_approved
    assert overrides.known(root) == [approved]
    rows = land(root)
    # Two versions of one row: its author stays its author, whoever approved it.
    assert rows["override_id"].to_list() == [one.override_id] * 2
    assert rows["author"].to_list() == ["kim", "kim"]
    assert rows["approved_by"].to_list() == [None, "lee"]
    assert json.loads(rows["scope"][0]) == {"sku": "01", "channel_id": "store"}
    (landed,) = overrides.known(root)
    assert (landed.approved_by, landed.is_pending) == ("lee", False)


@pytest.mark.parametrize("name", ["kim", " KIM "])
def test_nobody_approves_their_own(root: Path, name: str) -> None:
    (one,) = said(root)
    with pytest.raises(RefusedError, match="somebody else has to approve it"):
        overrides.approve(root, [one.override_id], by=name)
    assert not overrides.known(root)[0].is_approved


def test_a_wide_scope_stands_beside_the_sum_of_its_series(root: Path) -> None:
    first, second = said(root, {LAST_WEEK: 50.0, NEXT: 60.0}, Scope())
    assert (first.old, second.old) == (36.0, 39.0)
    assert str(first.scope) == "everything"


def test_an_override_that_is_withdrawn_has_expired(root: Path) -> None:
    (one,) = said(root)
    (ended,) = overrides.withdraw(root, [one.override_id], by="lee")
    assert ended.expires_at == datetime.fromisoformat(marts.CLOCK)
    assert land(root)["expires_at"].to_list() == [None, ended.expires_at]


def test_it_expires_when_the_brands_day_begins(root: Path) -> None:
    told = {"reason": "event", "note": "n", "author": "kim"}
    (one,) = overrides.say(root, ITEM, {NEXT: 1.0}, expires_on=date(2017, 12, 20), **told)
    assert one.expires_at is not None
    assert one.expires_at.astimezone(UTC) == datetime(2017, 12, 20, 5, tzinfo=UTC)


def test_what_cannot_be_used_is_refused_and_not_kept(root: Path) -> None:
    with pytest.raises(UsageError, match="there is no forecast of 01 × web"):
        said(root, scope=Scope(sku="01", channel_id="web"))
    with pytest.raises(UsageError, match="no forecast of 01 × store for the week of 2001-01-01"):
        said(root, {NEXT: 5.0, date(2001, 1, 1): 5.0})
    for units in (-1.0, float("inf"), float("nan")):
        with pytest.raises(UsageError, match="cannot be asked for"):
            said(root, {NEXT: units})
    with pytest.raises(UsageError, match="no reason 'mood'"):
        said(root, reason="mood")
    with pytest.raises(UsageError, match="needs its note"):
        said(root, note=" ")
    with pytest.raises(UsageError, match="who says so"):
        said(root, author=" ")
    with pytest.raises(UsageError, match="there is no override 'x'"):
        overrides.approve(root, ["x"], by="lee")
    assert overrides.known(root) == []


def test_the_command_line_says_lists_approves_and_withdraws(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(override_commands.console, "width", 200)
    place, runner = ["--workspace", str(root)], CliRunner()
    words = ["--week", str(NEXT + timedelta(days=2)), "--until", str(NEXT + timedelta(weeks=1)), "--sku", "01"]
    why = ["--reason", "listing", "--note", "a chain lists it", "--by", "kim"]
    kept = runner.invoke(app, ["forecast", "override", "40", *words, *why, "--json", *place], catch_exceptions=False)
    first, second = json.loads(kept.stdout)
    assert (first["from_on"], second["from_on"]) == (str(NEXT), str(NEXT + timedelta(weeks=1)))
    ids = [first["override_id"], second["override_id"]]
    runner.invoke(app, ["forecast", "approve", *ids, "--by", "lee", *place], catch_exceptions=False)
    runner.invoke(app, ["forecast", "withdraw", ids[1], "--by", "lee", *place], catch_exceptions=False)
    listed = json.loads(runner.invoke(app, ["forecast", "overrides", "--json", *place], catch_exceptions=False).stdout)
    assert [(one["is_approved"], one["expires_at"] is None) for one in listed] == [(True, True), (True, False)]
    shown = runner.invoke(app, ["forecast", "overrides", *place], catch_exceptions=False)
    assert "listing: a chain lists it" in shown.stdout
