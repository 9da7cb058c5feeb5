"""How good forecasts were: each step's worth, forecasts made before a week beside what came, and what moved since."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from tests.dbt_project import brand
from tests.dbt_project.conftest import Warehouse
from tests.dbt_project.lake import at, day

PARTS = ("base", "season", "price", "promotion", "festival", "other")
BASE = "sku,channel_id,location_id"


def forecast(run: str, cutoff: str, week: str, units: float, sku: str = "MILK", **parts: float) -> dict[str, Any]:
    named = {**dict.fromkeys(PARTS, 0.0), **parts}
    named["base"] = units - sum(named.values())
    return {
        "run_id": run, "sku": sku, "channel_id": "store", "location_id": "*", "freq": "W", "bucket_on": day(week),
        "mean": units, **dict.fromkeys(("q05", "q10", "q25", "q50", "q75", "q90", "q95"), units),
        "parts": json.dumps(named), "method": "mean", "cutoff_on": day(cutoff),
    }  # fmt: skip


def score(run: str, step: str, value: float, metric: str = "wape", level: str = BASE, horizon: int = 0, **more: Any):  # type: ignore[no-untyped-def]
    return {
        "run_id": run, "series": "*", "level": level, "class": "*", "step": step, "horizon": horizon, "metric": metric,
        "value": value, "benchmark_value": 0.8, **more,
    }  # fmt: skip


def scored(run: str, seen: str, plan: float, published: str = "promotion plan") -> list[dict[str, Any]]:
    steps = {"naive": 0.8, "moving average": 0.75, "statistical": 0.7, "model": 0.65, "promotion plan": plan}
    rows = [score(run, step, value) for step, value in steps.items()]
    rows += [score(run, step, -0.1, "bias") for step in steps]
    rows += [score(run, step, float(step == published), "published", level="*") for step in steps]
    return [row | {"observed_at": at(seen)} for row in rows]


def past_weeks(count: int) -> list[date]:
    """Mondays of the last complete weeks before the clock, the oldest first."""
    return [date(2017, 1, 9) - timedelta(weeks=number) for number in reversed(range(count))]


@pytest.fixture(scope="module")
def built(warehouse: Warehouse) -> Iterator[Warehouse]:
    lake = warehouse.fresh()
    brand.land(lake)
    # Bread sells ten a week for nine weeks in one store, three in the last four; twelve were always expected.
    # They come from another chain, whose till gives no totals to be held against.
    sold = {week: 10 if week < date(2016, 12, 19) else 3 for week in past_weeks(9)}
    lake.land(
        "pos.stores",
        [{"store_id": "S9", "channel_id": "store", "region": "North", "timezone": brand.ZONE}],
        source="chain",
    )
    lake.land(
        "pos.sale_lines",
        [
            brand.line(f"W{week}", 1, f"{week + timedelta(days=2)}T15:00", "BREAD", units, 9.0, store_id="S9")
            for week, units in sold.items()
        ],
        source="chain",
    )
    for number, week in enumerate(past_weeks(9)):
        cutoff = str(week - timedelta(days=1))
        rows = [forecast(f"b{number}", cutoff, str(week), 12.0, sku="BREAD")]
        # A later run with the same cutoff counts, and what was forecast two weeks ahead does not.
        lake.land("forecasting.demand", [row | {"mean": 40.0} for row in rows])
        lake.land(
            "forecasting.demand",
            [*rows, forecast(f"b{number}", cutoff, str(week + timedelta(weeks=1)), 99.0, sku="BREAD")],
        )
    lake.land(
        "forecasting.demand",
        [forecast("r0", "2017-01-08", week, 6.0, season=1.0) for week in ("2017-01-09", "2017-01-16", "2017-01-23")],
    )
    lake.land(
        "forecasting.demand",
        [forecast("r1", "2017-01-15", week, 9.0, promotion=2.5) for week in ("2017-01-16", "2017-01-23", "2017-01-30")],
    )
    told = [score("s0", "naive", 0.8, horizon=weeks, observed_at=at("2017-01-04T05:00")) for weeks in (1, 2, 3)]
    lake.land("forecasting.scores", [*scored("s0", "2017-01-04T05:00", 0.66, "model"), *told])
    lake.land("forecasting.scores", scored("s1", "2017-01-10T05:00", 0.9))
    lake.land("forecasting.scores", scored("s2", "2017-01-11T05:00", 0.6))
    scope = json.dumps({"sku": "MILK", "channel_id": "store"})
    lake.land(
        "forecasting.overrides",
        [
            {
                "override_id": "o", "scope": scope, "from_on": day("2017-01-02"), "to_on": day("2017-01-08"),
                "old": 9.0, "new": 5.0, "author": "kim", "approved_by": "lee", "observed_at": at("2017-01-01T12:00"),
            }
        ],
        source="people",
    )  # fmt: skip
    warehouse.build("pass_a", "pass_b", "pass_c")
    yield warehouse
    warehouse.fresh()


def test_each_step_is_worth_what_it_takes_off_the_one_before(built: Warehouse) -> None:
    rows = built.rows(
        "select step, round(value_added_rate, 6), is_published from mart_forecast_accuracy "
        "where run_id = 's2' and level <> 'override' order by wape desc"
    )
    assert rows == [
        ("naive", None, False),
        ("moving average", 0.05, False),
        ("statistical", 0.1, False),
        ("model", 0.05, False),
        ("promotion plan", 0.05, True),
    ]


def test_a_week_is_told_by_its_last_run_and_what_was_published_then_stays_marked(built: Warehouse) -> None:
    assert built.rows(
        "select run_id, scored_on, step, wape from mart_forecast_accuracy where is_published order by scored_on"
    ) == [("s0", day("2017-01-04"), "model", 0.65), ("s2", day("2017-01-11"), "promotion plan", 0.6)]


def test_accuracy_counts_at_the_weeks_ahead_that_production_needs(built: Warehouse) -> None:
    # Milk takes five days: what is to be there on a Monday is begun in the week before, by that week's forecast.
    assert built.rows("select lead_time_days, weeks_ahead from int_forecast_lead_time") == [(5, 2)]
    # The other run says nothing of single weeks, so that all of them together have to do.
    assert built.rows(
        "select run_id, min(horizon), max(horizon) from mart_forecast_accuracy "
        "where is_at_lead_time group by 1 order by 1"
    ) == [("s0", 2, 2), ("s2", 0, 0)]


def test_people_are_a_step_like_any_other(built: Warehouse) -> None:
    # Three were sold where nine had been forecast and five been said.
    assert built.rows(
        "select step, round(wape, 6), round(bias, 6), round(previous_wape, 6), round(value_added_rate, 6), scored_on "
        "from mart_forecast_accuracy where level = 'override'"
    ) == [("override", round(2 / 3, 6), round(2 / 3, 6), 2.0, round(4 / 3, 6), day("2017-01-11"))]


def test_what_changed_since_the_run_before_is_told_by_part(built: Warehouse) -> None:
    assert built.rows(
        "select bucket_on, previous_units, baseline_units, base_change_units, season_change_units, "
        "promotion_change_units, previous_cutoff_on from mart_forecast_change order by 1"
    ) == [
        (day("2017-01-16"), 6.0, 9.0, 1.5, -1.0, 2.5, day("2017-01-08")),
        (day("2017-01-23"), 6.0, 9.0, 1.5, -1.0, 2.5, day("2017-01-08")),
    ]


def test_errors_that_keep_their_sign_and_errors_that_grow_alarm(built: Warehouse) -> None:
    columns = "weeks, error_units, tracking_signal, round(drift_ratio, 4), is_biased, is_drifting"
    (bread,) = built.rows(f"select {columns} from mart_forecast_tracking where node = 'BREAD × store × *'")
    # Expected twelve: two too many of ten for five weeks; then three weeks' and, with the brand's own loaves, fewer.
    weeks, error, signal, drift, is_biased, is_drifting = bread
    assert (weeks, signal, is_biased, is_drifting) == (9, 9.0, True, True)
    assert error == pytest.approx(5 * 2 + built_error(built))
    assert drift > 1.5
    (milk,) = built.rows("select weeks, is_biased from mart_forecast_tracking where node = 'MILK × store × *'")
    # One week says nothing yet, however wrong it was.
    assert milk == (1, False)


def built_error(built: Warehouse) -> float:
    """Twelve less what was sold, over the last four weeks, from the sales themselves."""
    ((units,),) = built.rows(
        "select cast(sum(units) as double) from int_demand_weekly "
        "where sku = 'BREAD' and channel_id = 'store' and week_on >= '2016-12-19'"
    )
    return 4 * 12 - float(units)
