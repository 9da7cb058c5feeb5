"""Newcomers: what is wanted of what is like them, how launches begin, and that the rest of the panel goes on."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from benchmarks.forecast_sets import SHARED, frat
from benchmarks.launches import LIMIT, figures
from forecasting.grid import QUANTILE_COLUMNS
from forecasting.launch import LAUNCH, _curve
from forecasting.panel import forecast_with_notes

FIRST = date(2023, 1, 2)
WEEKS, HORIZON = 60, 8
GOODS = {"milk": 40.0, "rye": 12.0, "tea": 5.0, "oil": 2.0}
STORES = {"A": 1.0, "B": 0.5, "C": 2.0, "D": 0.25, "E": 1.5}


def panel(seed: int = 5) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Weeks of four goods in five stores, a promoted week sells threefold; and the plan of the weeks after them."""
    random = np.random.default_rng(seed)
    rows = []
    for good, wanted in GOODS.items():
        for store, size in STORES.items():
            promoted = random.random(WEEKS + HORIZON) < 0.2
            units = random.poisson(wanted * size * np.where(promoted, 3.0, 1.0))
            for week in range(WEEKS + HORIZON):
                on = FIRST + timedelta(weeks=week)
                rows.append((f"{good}/{store}", on, float(units[week]), good, store, float(promoted[week])))
    whole = pl.DataFrame(rows, schema=["unique_id", "ds", "y", "good", "store", "promo"], orient="row")
    cut = FIRST + timedelta(weeks=WEEKS)
    return whole.filter(pl.col("ds") < cut), whole.filter(pl.col("ds") >= cut).drop("y")


def test_a_newcomer_sells_what_its_good_and_its_store_tell() -> None:
    history, plan = panel()
    plan = plan.with_columns(promo=0.0)
    newcomers = ["milk/B", "rye/C", "tea/A"]
    is_new = pl.col("unique_id").is_in(newcomers)
    known = forecast_with_notes(history, horizon=HORIZON, freq="W", future=plan, fast=True).forecast
    told = forecast_with_notes(history.filter(~is_new), horizon=HORIZON, freq="W", future=plan, fast=True)
    assert told.forecast.height == 20 * HORIZON
    rows = told.forecast.filter(is_new)
    assert set(rows["method"]) == {LAUNCH}
    assert LAUNCH not in set(told.forecast.filter(~is_new)["method"])
    sums = {
        name: frame.group_by("unique_id").agg(pl.col("mean").sum()) for name, frame in (("new", rows), ("old", known))
    }
    both = sums["new"].join(sums["old"], on="unique_id")
    assert both.height == 3
    np.testing.assert_allclose(both["mean"], both["mean_right"], rtol=0.35)
    bands = rows.select(QUANTILE_COLUMNS).to_numpy()
    assert (np.diff(bands, axis=1) >= 0).all()
    notes = told.notes.filter(is_new)
    assert notes["unique_id"].to_list() == newcomers
    assert notes["note"][0].startswith("no history: forecast by its attributes, in the manner of milk/")
    assert not notes["is_refused"].any()


def test_a_newcomers_planned_promotion_lifts_its_week() -> None:
    history, plan = panel()
    promoted = plan["ds"].unique().sort()[3]
    plan = plan.with_columns(promo=(pl.col("ds") == promoted).cast(pl.Float64))
    is_new = pl.col("unique_id") == "milk/B"
    told = forecast_with_notes(history.filter(~is_new), horizon=HORIZON, freq="W", future=plan, fast=True).forecast
    rows = told.filter(is_new)
    with_it, without = rows.filter(pl.col("ds") == promoted)["mean"], rows.filter(pl.col("ds") != promoted)["mean"]
    assert with_it.item() > 1.8 * without.mean()  # type: ignore[operator]


def test_newcomers_count_in_the_sums_of_their_levels() -> None:
    history, plan = panel()
    is_new = pl.col("unique_id") == "rye/D"
    told = forecast_with_notes(
        history.filter(~is_new), horizon=HORIZON, freq="W", future=plan, hierarchy=["good"], fast=True
    ).forecast
    series = told.filter(pl.col("level") == "unique_id", pl.col("unique_id").str.starts_with("rye"))
    assert series["unique_id"].n_unique() == 5
    good = told.filter(pl.col("level") == "good", pl.col("node") == "rye").sort("ds")
    np.testing.assert_allclose(
        good["mean"], series.group_by("ds").agg(pl.col("mean").sum()).sort("ds")["mean"], rtol=1e-9
    )


def test_what_was_refused_is_no_newcomer_and_nothing_to_learn_from_is_no_crash() -> None:
    history, plan = panel()
    twice = history.filter(pl.col("unique_id") == "tea/E").with_columns(pl.col("y") + 1)
    told = forecast_with_notes(pl.concat([history, twice]), horizon=HORIZON, freq="W", future=plan, fast=True)
    assert told.notes.filter("is_refused")["unique_id"].to_list() == ["tea/E"]
    assert "tea/E" not in set(told.forecast["unique_id"])
    silent = history.filter(pl.col("unique_id") != "tea/E").with_columns(y=0.0)
    nothing = forecast_with_notes(silent, horizon=HORIZON, freq="W", future=plan, fast=True).forecast
    assert nothing.filter(pl.col("unique_id") == "tea/E")["mean"].to_list() == [0.0] * HORIZON


def test_a_curve_is_what_earlier_launches_sold_of_what_they_sold_later() -> None:
    values = np.full((30, 60), 10.0)
    for row in range(25):
        values[row, : 14 + row % 10] = np.nan
        values[row, 14 + row % 10 : 18 + row % 10] = 4.0
    curve = _curve(values, 13, HORIZON)
    # Ten launches' worth of no curve hold it: (25 × .4 + 10) ÷ 35.
    assert curve[0] == pytest.approx((25 * 0.4 + 10) / 35)
    assert curve[-1] == pytest.approx(1.0)
    assert _curve(values[25:], 13, HORIZON).tolist() == [1.0] * HORIZON


@pytest.mark.skipif(not SHARED.exists(), reason="../shared/data is not here")
@pytest.mark.slow
def test_a_tenth_of_a_real_set_is_launched_better_than_by_its_category() -> None:
    (launch,) = figures(frat(SHARED), "", seeds=(1,), fast=True)
    assert launch.value < LIMIT
