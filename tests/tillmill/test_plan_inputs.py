"""What the pipeline lets the plan look at: the running week's rest, as far as all is known, and the plan before."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from ingestion.landing import compaction
from ingestion.landing.ledger import Ledger
from planning.contracts import empty
from tests.planning.instances import calendar as calendar_of
from tests.planning.instances import demand as demand_of
from tests.planning.instances import policy, routing
from tillmill import publish as publishing
from tillmill.actions import create_workspace
from tillmill.learning import PLANNING_TABLES, Learner
from tillmill.plan_inputs import from_start, weeks_known
from tillmill.workspace import Workspace

START = date(2017, 12, 4)


def weeks(count: int) -> list[date]:
    return [START + timedelta(weeks=week) for week in range(-1, count)]


def calendar(**lines: int) -> pl.DataFrame:
    return pl.concat(pl.DataFrame({"line_id": line, "week_on": weeks(count)}) for line, count in lines.items())


def test_the_plan_looks_as_far_as_the_forecast() -> None:
    assert weeks_known(pl.DataFrame({"week_on": weeks(10)}), calendar(L1=12, L2=11), START) == 10


def test_a_calendar_that_ends_earlier_ends_the_look_ahead() -> None:
    assert weeks_known(pl.DataFrame({"week_on": weeks(10)}), calendar(L1=12, L2=8), START) == 8
    assert weeks_known(pl.DataFrame({"week_on": weeks(10)}), calendar(L1=12, L2=0), START) == 0


@pytest.mark.parametrize(("days_left", "first"), [(7, 35.0), (1, 23.0)])
def test_what_is_still_sold_before_the_plan_begins_is_wanted_in_its_first_week(days_left: int, first: float) -> None:
    """Forty pieces in stock on Monday are not there next Monday."""
    demand = pl.DataFrame(
        {
            "sku": ["1", "1", "1", "2"],
            "location_id": "PLANT",
            "channel_id": "store",
            "week_on": [*weeks(2), START],
            "mean": [14.0, 21.0, 28.0, 5.0],
            "q50": [14.0, 20.0, 27.0, 5.0],
            "q90": [20.0, 31.0, 40.0, 9.0],
        }
    )
    told = from_start(demand, START - timedelta(days=days_left), START)
    assert told["mean"].to_list() == [first, 28.0, 5.0]
    assert (told["q90"] - told["mean"]).to_list() == [10.0, 12.0, 4.0]
    assert told.columns == demand.columns


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return create_workspace(tmp_path, '[brand]\nname = "Harvest"\ncurrency = "USD"\ntimezone = "UTC"\n')


class Plans:
    """Plans of one product made on one line, in a workspace that publishes them or not."""

    def __init__(self, workspace: Workspace, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        self.workspace, self.ledger, self.monkeypatch, self.made = workspace, ledger, monkeypatch, 0

    def nervousness(self, week: int, units: float, *, is_published: bool = True) -> float:
        """Of a plan that begins with the week of this number, where each week asks for so many units."""
        self.made += 1
        start_on = START + timedelta(weeks=week)
        tables = {name: empty(name) for name in PLANNING_TABLES} | {
            "demand": demand_of("A", [units] * 8).filter(pl.col("week_on") >= start_on),
            "routing": routing("A"),
            "calendar": calendar_of("L1", [1000.0] * 8),
            "item_policy": policy("A", holding_cost=0.01, backorder_cost=1.0),
        }
        candidate = publishing.begin_candidate(self.workspace, self.ledger, f"print{self.made}", recipe="one")
        with duckdb.connect(str(candidate.database)) as connection:
            for name, rows in tables.items():
                connection.register("rows", rows.to_arrow())
                connection.execute(f"create or replace table int_planning_{name} as select * from rows")
                connection.unregister("rows")
        self.monkeypatch.setattr("tillmill.learning.business_date", lambda _: start_on - timedelta(days=1))
        run_id = f"run{self.made}"
        Learner(self.workspace, self.ledger, candidate, run_id, lambda *_, **__: pl.DataFrame()).planning()
        [load] = [one for one in self.ledger.loads(stream="planning.summary") if one.run_id == run_id]
        found = pl.read_parquet(self.workspace.root / str(load.file))["nervousness"].item()
        if is_published:
            publishing.publish(self.workspace, self.ledger, candidate)
        return float(found)


def test_a_plan_is_compared_with_the_last_one_published_that_began_in_an_earlier_week(
    workspace: Workspace, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often a week is planned, so that built afresh its plan has the figure it had before."""
    plans = Plans(workspace, ledger, monkeypatch)
    assert plans.nervousness(0, 10.0) == 0, "nothing is before it"
    assert plans.nervousness(0, 20.0) == 0, "and nothing is of an earlier week"
    plans.nervousness(0, 99.0, is_published=False)
    assert plans.nervousness(1, 20.0) == 0
    assert plans.nervousness(1, 30.0) == pytest.approx(0.5)
    assert plans.nervousness(1, 30.0) == pytest.approx(0.5)
    merged = [compaction.merge(workspace, ledger, one) for one in list(compaction.plan(workspace, ledger))]
    assert any("planning.production_plan" in str(file) for file in merged)
    assert plans.nervousness(1, 40.0) == pytest.approx(1.0)
    assert plans.nervousness(2, 30.0) == pytest.approx(0.25)
