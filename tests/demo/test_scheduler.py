"""The production scheduler: which plans it takes in, how it lays them into shifts, and when its answers are told."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from demo import days, scheduler
from planning.contracts import OUT
from planning.exchange.csv import write_plan
from tests.demo.conftest import addresses, advance, secrets_of

MONDAY = datetime(2017, 12, 11, tzinfo=UTC)
SCHEMA = {"plan_id": pl.String, **OUT["schedule_orders"]}


def orders(*runs: tuple[str, float, float], line: str = "L1", state: str = "released") -> pl.DataFrame:
    """Runs of a line: name, day it begins from Monday, minutes."""
    rows = []
    for name, day, minutes in runs:
        start = MONDAY + timedelta(days=day)
        row = {"plan_id": "p", "order_id": name, "version": 1, "sku": "S", "line_id": line, "start_at": start}
        row |= {"end_at": start + timedelta(minutes=minutes), "units": 10.0, "priority": 5, "state": state}
        rows.append(row)
    return pl.DataFrame(rows, schema_overrides=SCHEMA)


def shifts(*rows: tuple[date, float], line: str = "L1") -> pl.DataFrame:
    """Early shifts with their minutes."""
    starts = [datetime(on.year, on.month, on.day, 6) for on, _ in rows]  # noqa: DTZ001 - the mill's wall clock
    return pl.DataFrame(
        {"line": line, "starts_at": starts, "available_minutes": [minutes for _, minutes in rows]},
        schema_overrides={"starts_at": pl.Datetime("us"), "available_minutes": pl.Float64},
    )


@pytest.fixture
def no_repairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "REPAIR_SHARE", 0.0)


def verdicts(found: pl.DataFrame) -> list[tuple[str, str, datetime | None]]:
    return list(found.select("order_id", "verdict", "confirmed_end_at").iter_rows())


@pytest.mark.usefixtures("no_repairs")
def test_orders_follow_each_other_through_the_shifts_and_what_ends_after_its_week_is_changed() -> None:
    calendar = shifts((date(2017, 12, 11), 100), (date(2017, 12, 12), 100), (date(2017, 12, 18), 200))
    runs = orders(("a", 0, 60), ("b", 0.1, 60), ("c", 0.2, 80), ("d", 0.3, 30), ("e", 7, 50), ("f", 7.1, 500))
    # 06:00 in the mill is 11:00 UTC in winter.
    assert verdicts(scheduler.answered(runs, calendar, seed=1)) == [
        ("a", "confirmed", datetime(2017, 12, 11, 12, 0, tzinfo=UTC)),
        ("b", "confirmed", datetime(2017, 12, 12, 11, 20, tzinfo=UTC)),
        ("c", "confirmed", datetime(2017, 12, 12, 12, 40, tzinfo=UTC)),
        ("d", "changed", datetime(2017, 12, 18, 11, 30, tzinfo=UTC)),
        ("e", "confirmed", datetime(2017, 12, 18, 12, 20, tzinfo=UTC)),
        ("f", "rejected", None),
    ]


@pytest.mark.usefixtures("no_repairs")
def test_no_order_begins_before_its_week_and_lines_do_not_wait_for_each_other() -> None:
    calendar = pl.concat(
        [shifts((date(2017, 12, 11), 100), (date(2017, 12, 18), 100), line=line) for line in ("L1", "L2")]
    )
    runs = pl.concat([orders(("early", 0, 10), ("later", 7, 10)), orders(("other", 7, 20), line="L2")])
    assert [end for _, _, end in verdicts(scheduler.answered(runs, calendar, seed=1))] == [
        datetime(2017, 12, 11, 11, 10, tzinfo=UTC),
        datetime(2017, 12, 18, 11, 10, tzinfo=UTC),
        datetime(2017, 12, 18, 11, 20, tzinfo=UTC),
    ]


def test_the_same_few_new_orders_are_refused_each_time_and_released_ones_never() -> None:
    calendar = shifts(*((date(2017, 12, 11) + timedelta(days=day), 450) for day in range(12)))
    runs = [(f"make:{number}", 0.0, 1.0) for number in range(2_000)]
    first, again = (scheduler.answered(orders(*runs, state="draft"), calendar, seed=7) for _ in range(2))
    refused = first.filter(pl.col("verdict") == "rejected")
    assert first.equals(again)
    assert 5 <= refused.height <= 50
    assert refused["reason"].unique().to_list() == [scheduler.REFUSED]
    assert refused["confirmed_units"].sum() == 0
    released = scheduler.answered(orders(*runs), calendar, seed=7)
    assert released.filter(pl.col("verdict") == "rejected").is_empty()
    other = scheduler.answered(orders(*runs, state="draft"), calendar, seed=8).filter(pl.col("verdict") == "rejected")
    assert set(other["order_id"]) != set(refused["order_id"])


def hand_over(root: Path, version: int, *names: str) -> Path:
    plan = root / "exports" / f"plan-v{version:06d}"
    write_plan({"schedule_orders": orders(*((name, 0.0, 5.0) for name in names))}, plan)
    return plan


def told(root: Path, token: str | None = None, **params: str) -> list[dict[str, Any]]:
    answer = httpx.get(
        addresses(root)["scheduling"]["base_url"] + "/acknowledgements",
        params={"per_page": "1000", **params},
        headers={"Authorization": f"Bearer {token or secrets_of(root)['scheduling']['token']}"},
        trust_env=False,
    )
    found: list[dict[str, Any]] = answer.raise_for_status().json()["data"]
    return found


def test_a_plan_is_answered_when_the_clock_has_moved_and_once(moving: Path) -> None:
    hand_over(moving, 1, "x", "y")
    assert told(moving) == []
    advance(moving, 0)
    assert told(moving) == []
    advance(moving, 1)
    answers = told(moving)
    assert [(one["bod_id"], one["order_id"], one["version"]) for one in answers] == [
        ("plan-v000001", "x", 1),
        ("plan-v000001", "y", 1),
    ]
    assert {one["answered_at"] for one in answers} == {"2017-12-04T06:01:20Z"}
    hand_over(moving, 2, "z")
    advance(moving, 1)
    assert told(moving)[:2] == answers
    assert [one["order_id"] for one in told(moving, updated_since="2017-12-05T00:00:00Z")] == ["z"]
    with pytest.raises(httpx.HTTPStatusError, match="401"):
        told(moving, token="guess")


def test_half_a_plan_waits_until_it_is_whole(workspace: Path) -> None:
    plan = hand_over(workspace, 1, "x")
    whole = (plan / "schedule_orders.csv").read_bytes()
    (plan / "schedule_orders.csv").write_bytes(whole[:-9])
    assert scheduler.take_in(workspace, days.CLOCK_AT_START) == 0
    (plan / "schedule_orders.csv").write_bytes(whole)
    (plan / "manifest.json").rename(plan / "waiting")
    assert scheduler.take_in(workspace, days.CLOCK_AT_START) == 0
    (plan / "waiting").rename(plan / "manifest.json")
    assert scheduler.take_in(workspace, days.CLOCK_AT_START) == 1
    assert scheduler.take_in(workspace, days.CLOCK_AT_START) == 0
    # What was answered stays answered when the plan is cleared away.
    shutil.rmtree(plan)
    assert scheduler.answers(workspace, days.LAST_RECEIPT)["order_id"].to_list() == ["x"]
