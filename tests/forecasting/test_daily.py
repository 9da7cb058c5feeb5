"""Days as they would have been: what is filled, what is set apart, and what stays as it was recorded."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting import daily
from forecasting.daily import HISTORY_SCHEMA, MAX_EMPTY_DAYS, demand_history, unconstrained_weeks

FIRST = date(2017, 1, 2)
DAYS = 140


def recorded(seed: int = 4) -> tuple[pl.DataFrame, pl.DataFrame]:
    """int_demand_recorded of two SKUs in five stores, some shelves empty for some days; and what was wanted there."""
    random = np.random.default_rng(seed)
    rows = []
    for sku in ("milk", "rye"):
        for store in range(5):
            wanted = random.poisson(2 + store, DAYS)
            wanted[0] = max(wanted[0], 1)
            empty = np.zeros(DAYS, dtype=bool)
            for start in random.choice(np.arange(20, DAYS - 6), 4, replace=False):
                empty[start : start + 5] = True
            for day in range(DAYS):
                sold = 0 if empty[day] else int(wanted[day])
                if sold or empty[day]:
                    on = FIRST + timedelta(days=day)
                    rows.append((sku, "store", f"S{store}", on, sold, 0, not empty[day], int(wanted[day])))
    columns = ["sku", "channel_id", "location_id", "demand_on", "units", "bulk_units", "is_in_stock", "wanted"]
    whole = pl.DataFrame(rows, schema=columns, orient="row")
    return whole.drop("wanted"), whole


def test_only_days_with_an_empty_shelf_are_filled_and_about_right() -> None:
    days, truth = recorded()
    found = demand_history(days)
    assert dict(found.schema) == HISTORY_SCHEMA
    assert set(found["method"]) == {"censored"}
    assert (found["unconstrained_units"] > found["units"]).all()
    empty = truth.filter(~pl.col("is_in_stock"))
    assert found.height == empty.height
    assert found["unconstrained_units"].sum() == pytest.approx(empty["wanted"].sum(), rel=0.06)


def test_a_day_once_filled_stays_so_when_time_goes_on() -> None:
    """What an origin before the cutoff sees is what was known there: later days move nothing."""
    days, _ = recorded()
    until = FIRST + timedelta(days=90)
    then = demand_history(days.filter(pl.col("demand_on") <= until))
    wild = days.with_columns(
        pl.when((pl.col("demand_on") > until) & pl.col("is_in_stock"))
        .then(pl.col("units") * 9)
        .otherwise("units")
        .alias("units")
    )
    assert not then.is_empty()
    for later in (days, wild):
        assert_frame_equal(demand_history(later).filter(pl.col("on") <= until), then)


def test_a_bulk_order_is_set_apart_and_moves_no_other_day() -> None:
    days, _ = recorded()
    row = days.filter(pl.col("is_in_stock"), pl.col("location_id") == "S1", pl.col("sku") == "rye")["demand_on"][30]
    there = (pl.col("demand_on") == row) & (pl.col("location_id") == "S1") & (pl.col("sku") == "rye")
    with_bulk = days.with_columns(
        pl.when(there).then(pl.col("units") + 200).otherwise("units").alias("units"),
        pl.when(there).then(200).otherwise("bulk_units").alias("bulk_units"),
    )
    found = demand_history(with_bulk)
    (bulk,) = found.filter(pl.col("method") == "bulk").to_dicts()
    assert (bulk["sku"], bulk["location_id"], bulk["on"]) == ("rye", "S1", row)
    assert bulk["units"] - bulk["unconstrained_units"] == 200
    assert_frame_equal(found.filter(pl.col("method") == "censored"), demand_history(days))


def test_nobody_waits_for_what_was_never_there_or_is_off_the_range() -> None:
    def store(name: str, sold: range) -> list[tuple[object, ...]]:
        return [
            ("milk", "store", name, FIRST + timedelta(days=day), 2 if day in sold else 0, 0, day in sold)
            for day in range(DAYS)
        ]

    columns = ["sku", "channel_id", "location_id", "demand_on", "units", "bulk_units", "is_in_stock"]
    rows = store("late", range(60, DAYS)) + store("gone", range(30)) + store("open", range(DAYS))
    found = demand_history(pl.DataFrame(rows, schema=columns, orient="row"))
    assert set(found["location_id"]) == {"gone"}
    assert found["on"].min() == FIRST + timedelta(days=30)
    assert found["on"].max() == FIRST + timedelta(days=30 + MAX_EMPTY_DAYS - 1)


def test_series_are_filled_alike_in_small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    days, _ = recorded()
    whole = demand_history(days)
    monkeypatch.setattr(daily, "BLOCK_CELLS", 1)
    assert_frame_equal(demand_history(days.sample(fraction=1.0, shuffle=True, seed=1)), whole)


def test_weeks_hold_what_their_days_add_or_set_apart() -> None:
    weeks = pl.DataFrame(
        {
            "sku": ["milk", "milk", "rye"],
            "channel_id": "store",
            "location_id": "*",
            "week_on": [FIRST, FIRST + timedelta(weeks=1), FIRST],
            "units": [10, 220, 5],
        }
    )
    history = pl.DataFrame(
        [
            ("milk", "store", "S1", FIRST + timedelta(days=2), 0.0, 1.5, "censored"),
            ("milk", "store", "S2", FIRST + timedelta(days=6), 0.0, 2.25, "censored"),
            ("milk", "store", "S2", FIRST + timedelta(days=8), 203.0, 3.0, "bulk"),
        ],
        schema=HISTORY_SCHEMA,
        orient="row",
    )
    found = unconstrained_weeks(weeks, history)
    assert found["units"].to_list() == [13.75, 20.0, 5.0]
    assert_frame_equal(found.drop("units"), weeks.drop("units"))
    assert unconstrained_weeks(weeks, history.clear())["units"].to_list() == [10.0, 220.0, 5.0]
