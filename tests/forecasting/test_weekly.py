"""Weekly demand rows: what planners get, and what must never be in them."""

import json
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.grid import QUANTILE_COLUMNS
from forecasting.weekly import DEMAND_SCHEMA, KEYS, forecast_demand
from tests.forecasting.panels import FIRST_MONDAY, invented_weeks
from tillmill.errors import UsageError

CUTOFF = FIRST_MONDAY + timedelta(weeks=49, days=-1)
HORIZON = 8


@pytest.fixture(scope="module")
def history() -> pl.DataFrame:
    return invented_weeks()


@pytest.fixture(scope="module")
def demand(history: pl.DataFrame) -> pl.DataFrame:
    return forecast_demand(history, horizon_weeks=HORIZON, cutoff_on=CUTOFF)


def parts_of(demand: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame([json.loads(text) for text in demand["parts"]])


def test_every_series_has_every_week_once(history: pl.DataFrame, demand: pl.DataFrame) -> None:
    assert dict(demand.schema) == DEMAND_SCHEMA
    assert demand.height == history.select(KEYS).n_unique() * HORIZON
    assert not demand.select(*KEYS, "bucket_on").is_duplicated().any()
    weeks = demand["bucket_on"].unique().sort().to_list()
    assert weeks == [CUTOFF + timedelta(days=1, weeks=step) for step in range(HORIZON)]
    assert all(week.weekday() == 0 for week in weeks)


def test_means_and_quantiles_are_sound(demand: pl.DataFrame) -> None:
    bands = demand.select(QUANTILE_COLUMNS).to_numpy()
    assert np.isfinite(bands).all()
    assert (np.diff(bands, axis=1) >= 0).all()
    assert bands.min() >= 0
    assert demand["mean"].min() >= 0  # type: ignore[operator]
    highest = invented_weeks().group_by(KEYS).agg(pl.col("units").max().alias("highest"))
    assert demand.join(highest, on=KEYS).filter(pl.col("mean") > 3 * pl.col("highest")).is_empty()


def test_parts_add_up_to_the_mean(demand: pl.DataFrame) -> None:
    total = parts_of(demand).sum_horizontal().to_numpy()
    np.testing.assert_allclose(total, demand["mean"].to_numpy(), atol=1e-9)


def test_without_a_plan_no_part_claims_a_promotion(demand: pl.DataFrame) -> None:
    parts = parts_of(demand)
    assert parts.select("price", "promotion", "festival").to_numpy().any() == np.False_


def test_dead_series_are_zero_and_say_so(demand: pl.DataFrame) -> None:
    dead = demand.filter(pl.col("sku").is_in([f"{number:04d}" for number in range(2, 48, 12)]))
    assert dead.height == 4 * HORIZON
    assert dead["mean"].sum() == 0
    assert set(dead["method"]) == {"zero"}


def test_every_row_says_its_method(demand: pl.DataFrame) -> None:
    assert demand["method"].str.len_chars().min() > 0  # type: ignore[operator]
    assert demand.filter(pl.col("method").str.contains("gradient boosting")).height > 0


def test_same_input_gives_the_same_forecast_in_any_row_order(history: pl.DataFrame, demand: pl.DataFrame) -> None:
    mixed = history.sample(fraction=1.0, shuffle=True, seed=5)
    assert_frame_equal(demand, forecast_demand(mixed, horizon_weeks=HORIZON, cutoff_on=CUTOFF))


def test_rows_after_the_cutoff_do_not_move_the_forecast(history: pl.DataFrame) -> None:
    cutoff = CUTOFF - timedelta(weeks=6)
    late = pl.col("week_on") > cutoff
    told = forecast_demand(history.filter(~late), horizon_weeks=4, cutoff_on=cutoff)
    wild = history.with_columns(pl.when(late).then(pl.col("units") * 9 + 50).otherwise("units").alias("units"))
    begun = told.select(KEYS).unique()
    moved = forecast_demand(wild.join(begun, on=KEYS, how="semi"), horizon_weeks=4, cutoff_on=cutoff)
    assert_frame_equal(told, moved)


def test_forecast_follows_its_history(history: pl.DataFrame, demand: pl.DataFrame) -> None:
    """Twice the demand of one SKU in the last ten weeks raises that SKU's forecast, by nearly as much."""
    sku = pl.col("sku") == "0001"
    recent = pl.col("week_on") > CUTOFF - timedelta(weeks=20)
    doubled = history.with_columns(pl.when(sku & recent).then(pl.col("units") * 2).otherwise("units").alias("units"))
    after = forecast_demand(doubled, horizon_weeks=HORIZON, cutoff_on=CUTOFF)
    assert after.filter(sku)["mean"].sum() > 1.5 * demand.filter(sku)["mean"].sum()


def test_planned_promotion_raises_demand_and_is_told_apart() -> None:
    history = invented_weeks(promotion_lift=3.0)
    weeks = [CUTOFF + timedelta(days=1, weeks=step) for step in range(4)]
    plan = history.select(KEYS).unique().join(pl.DataFrame({"week_on": weeks}), how="cross")
    plan = plan.with_columns((pl.col("week_on") == weeks[1]).cast(pl.Float64).alias("promoted_share_rate"))
    demand = forecast_demand(history, horizon_weeks=4, cutoff_on=CUTOFF, future=plan)
    parts = parts_of(demand).with_columns(demand["bucket_on"], demand["mean"])
    by_week = parts.group_by("bucket_on").agg(pl.col("mean", "promotion").sum()).sort("bucket_on")
    means, promotion = by_week["mean"].to_list(), by_week["promotion"].to_list()
    assert means[1] > 1.5 * means[0]
    assert promotion[1] > 0.3 * means[1]
    assert promotion[0] == pytest.approx(0.0, abs=1e-6)


def test_empty_shelves_are_not_taken_for_want_of_demand(history: pl.DataFrame, demand: pl.DataFrame) -> None:
    sku, recent = pl.col("sku") == "0001", pl.col("week_on") > CUTOFF - timedelta(weeks=5)
    out = history.with_columns(
        pl.when(sku & recent).then(0.0).otherwise("units").alias("units"),
        pl.when(sku & recent).then(0.0).otherwise("in_stock_rate").alias("in_stock_rate"),
    )
    after = forecast_demand(out, horizon_weeks=HORIZON, cutoff_on=CUTOFF)
    assert after.filter(sku)["mean"].sum() > 0.7 * demand.filter(sku)["mean"].sum()


def test_a_retired_sku_is_wanted_no_more(history: pl.DataFrame, demand: pl.DataFrame) -> None:
    last = CUTOFF + timedelta(weeks=2)
    sku = pl.col("sku") == "0001"
    told = history.with_columns(pl.when(sku).then(pl.lit(last)).alias("retired_on"))
    after = forecast_demand(told, horizon_weeks=HORIZON, cutoff_on=CUTOFF)
    gone = sku & (pl.col("bucket_on") > last)
    assert_frame_equal(after.filter(~gone), demand.filter(~gone))
    rows = after.filter(gone)
    assert rows.height == HORIZON - 2
    assert set(rows["method"]) == {"retired"}
    assert not rows.select("mean", *QUANTILE_COLUMNS).to_numpy().any()
    assert not parts_of(rows).to_numpy().any()


def test_a_young_brand_is_still_forecast() -> None:
    few = invented_weeks(series=5, weeks=3).filter(pl.col("sku") != "0002")
    demand = forecast_demand(few, horizon_weeks=2, cutoff_on=FIRST_MONDAY + timedelta(weeks=3, days=-1))
    assert demand.height == 8
    assert demand["mean"].sum() > 0


def test_empty_history_gives_no_rows(history: pl.DataFrame) -> None:
    none = forecast_demand(history.clear(), horizon_weeks=HORIZON, cutoff_on=CUTOFF)
    assert none.is_empty()
    assert dict(none.schema) == DEMAND_SCHEMA


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda frame: frame.drop("units"), "lacks the column units"),
        (lambda frame: pl.concat([frame, frame.head(1)]), "more than one row"),
        (lambda frame: frame.with_columns(pl.lit(date(2017, 1, 4)).alias("week_on")).head(1), "not a Monday"),
        (lambda frame: frame.with_columns(pl.lit(None, pl.Float64).alias("units")), "row 1: units is empty"),
    ],
)
def test_broken_history_is_refused_in_words(history: pl.DataFrame, spoil, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UsageError, match=words):
        forecast_demand(spoil(history), horizon_weeks=HORIZON, cutoff_on=CUTOFF)
