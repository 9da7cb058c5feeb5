"""Overrides of the forecast: who may, which holds, how it is shared out, and whether it was worth it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.dbt_project import brand
from tests.dbt_project.conftest import Warehouse
from tests.dbt_project.lake import at, day

WEEK, NEXT, THIRD, LAST = "2017-01-16", "2017-01-23", "2017-01-30", "2017-02-06"
SERIES = {("MILK", "store"): 3.0, ("MILK", "shop_a"): 1.0, ("BREAD", "store"): 0.0, ("CHEESE", "store"): 0.0}
QUANTILES = {"q05": 0.0, "q10": 0.5, "q25": 0.8, "q50": 1.0, "q75": 1.2, "q90": 1.5, "q95": 2.0}


def forecast(run: str, cutoff: str, weeks: tuple[str, ...], times: float = 1.0) -> list[dict[str, Any]]:
    """One run's forecast of every series; quantiles in proportion to the mean."""
    return [
        {
            "run_id": run, "sku": sku, "channel_id": channel, "location_id": "*", "freq": "W", "bucket_on": day(week),
            "mean": mean * times, **{name: mean * times * share for name, share in QUANTILES.items()},
            "parts": json.dumps({"base": mean * times, **dict.fromkeys(PARTS, 0.0)}), "method": "mean",
            "cutoff_on": day(cutoff),
        }
        for (sku, channel), mean in SERIES.items()
        for week in weeks
    ]  # fmt: skip


PARTS = ("season", "price", "promotion", "festival", "other")


def override(name: str, scope: dict[str, str], week: str, new: float, **more: Any) -> dict[str, Any]:
    return {
        "override_id": name, "scope": json.dumps(scope), "from_on": day(week), "to_on": day(week), "old": 4.0,
        "new": new, "reason_code": "event", "author": "kim", "approved_by": "lee",
        "observed_at": at("2017-01-14T12:00"), **more,
    }  # fmt: skip


DAIRY, MILK, SHOP = {"category": "DAIRY"}, {"sku": "MILK"}, {"sku": "MILK", "channel_id": "shop_a"}
OVERRIDES = [
    # The whole category on one week: shared out by the baselines, 3 to 1.
    override("all", DAIRY, WEEK, 8.0),
    # A narrower one takes its cell out of the category's, whichever was said first.
    override("wide", DAIRY, NEXT, 8.0, observed_at=at("2017-01-15T12:00")),
    override("narrow", SHOP, NEXT, 7.0),
    # Bread and cheese are expected to sell nothing: shared out evenly over what the scope has.
    override("bread", {"sku": "BREAD"}, NEXT, 6.0),
    # None of these counts.
    override("alone", MILK, THIRD, 50.0, approved_by=None),
    override("himself", MILK, THIRD, 60.0, approved_by=" Kim "),
    override("expired", MILK, THIRD, 70.0, expires_at=at("2017-01-16T11:59")),
    # Of two of one width the later holds, and what it says twice holds as it was said last.
    override("older", MILK, LAST, 80.0),
    override("newer", MILK, LAST, 90.0, observed_at=at("2017-01-15T12:00")),
    override("newer", MILK, LAST, 12.0, observed_at=at("2017-01-16T01:00")),
    # Weeks that are over: milk in stores sold 0 in the last one, where 6 had been forecast and 1 been said.
    override("right", {"sku": "MILK", "channel_id": "store"}, "2017-01-09", 1.0, observed_at=at("2017-01-08T12:00")),
    override("late", {"sku": "MILK", "channel_id": "store"}, "2017-01-09", 0.0, observed_at=at("2017-01-16T01:00")),
]


@pytest.fixture(scope="module")
def built(warehouse: Warehouse) -> Iterator[Warehouse]:
    lake = warehouse.fresh()
    brand.land(lake)
    lake.land("forecasting.demand", forecast("r0", "2017-01-08", ("2017-01-09", WEEK), times=2.0))
    lake.land("forecasting.demand", forecast("r1", "2017-01-15", (WEEK, NEXT, THIRD, LAST)))
    lake.land("forecasting.overrides", OVERRIDES, source="people")
    warehouse.build("pass_a", "pass_b", "pass_c")
    yield warehouse
    warehouse.fresh()


def finals(built: Warehouse, week: str) -> dict[tuple[str, str], float]:
    rows = built.rows(
        f"select sku, channel_id, final_units from mart_forecast where not is_history and bucket_on = '{week}'"
    )
    return {(sku, channel): units for sku, channel, units in rows}


def test_an_override_of_a_category_is_shared_out_by_the_baselines_and_adds_up(built: Warehouse) -> None:
    assert finals(built, WEEK) == {**dict.fromkeys(SERIES, 0.0), ("MILK", "store"): 6.0, ("MILK", "shop_a"): 2.0}
    (held,) = built.rows(
        f"select baseline_units, override_units, q05_units, q50_units, q95_units, override_id from mart_forecast "
        f"where sku = 'MILK' and channel_id = 'store' and bucket_on = '{WEEK}'"
    )
    assert held == (3.0, 6.0, 0.0, 6.0, 12.0, "all")


def test_the_narrowest_holds_and_of_equals_the_latest(built: Warehouse) -> None:
    # The category says twice its baseline for what nobody spoke of more narrowly.
    assert finals(built, NEXT)["MILK", "store"] == 6.0
    assert finals(built, NEXT)["MILK", "shop_a"] == 7.0
    # 12 on a baseline of 3 and 1: what was said last, of what was said latest.
    assert finals(built, LAST) == {**dict.fromkeys(SERIES, 0.0), ("MILK", "store"): 9.0, ("MILK", "shop_a"): 3.0}


def test_what_was_zero_takes_the_override_evenly_and_knows_no_spread(built: Warehouse) -> None:
    assert built.rows(
        f"select final_units, q05_units, q95_units from mart_forecast where sku = 'BREAD' and bucket_on = '{NEXT}'"
    ) == [(6.0, 6.0, 6.0)]


def test_only_what_somebody_else_approved_counts_and_only_until_it_expires(built: Warehouse) -> None:
    assert finals(built, THIRD) == SERIES
    states = dict(built.rows("select override_id, state from mart_forecast_override"))
    assert {name: states[name] for name in ("alone", "himself", "expired", "older", "newer", "wide", "narrow")} == {
        "alone": "waiting", "himself": "waiting", "expired": "expired", "older": "superseded", "newer": "in_force",
        "wide": "in_force", "narrow": "in_force",
    }  # fmt: skip


def test_the_plan_takes_the_final_figure(built: Warehouse) -> None:
    assert built.rows(
        f"select channel_id, mean, q50 from int_planning_demand where sku = 'MILK' and week_on = '{LAST}' order by 1"
    ) == [("shop_a", 3.0, 3.0), ("store", 9.0, 9.0)]


def test_an_override_is_judged_against_the_forecast_made_before_the_week(built: Warehouse) -> None:
    columns = "override_id, state, baseline_units, observed_units, value_added_units"
    rows = built.rows(f"select {columns} from mart_forecast_override where bucket_on = '2017-01-09' order by 1")
    assert rows == [("late", "lapsed", 6.0, 0.0, None), ("right", "judged", 6.0, 0.0, 5.0)]
