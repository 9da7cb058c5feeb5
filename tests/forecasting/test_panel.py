"""The engine on somebody else's file: it adds up, it says what it refuses, and it goes on."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from forecasting.grid import QUANTILE_COLUMNS
from forecasting.panel import forecast_panel, forecast_with_notes
from forecasting.scores import score
from tests.forecasting.panels import daily_panel
from tillmill.errors import UsageError

HORIZON = 14
COLUMNS = ["unique_id", "ds", "mean", *QUANTILE_COLUMNS]


@pytest.fixture(scope="module")
def history() -> pl.DataFrame:
    return daily_panel()


@pytest.fixture(scope="module")
def forecast(history: pl.DataFrame) -> pl.DataFrame:
    return forecast_panel(history, horizon=HORIZON, hierarchy=["state", "store"], fast=True)


def test_every_aggregate_is_exactly_the_sum_of_its_series(history: pl.DataFrame, forecast: pl.DataFrame) -> None:
    assert forecast["level"].unique().sort().to_list() == ["state", "state/store", "total", "unique_id"]
    places = history.select("unique_id", "state", "store").unique()
    series = forecast.filter(pl.col("level") == "unique_id").join(places, on="unique_id")
    for level, node in (
        ("total", pl.lit("total")),
        ("state", pl.col("state")),
        ("state/store", pl.concat_str("state", "store", separator="/")),
    ):
        summed = series.group_by(node.alias("node"), "ds").agg(pl.col("mean").sum().alias("sum"))
        both = forecast.filter(pl.col("level") == level).join(summed, on=["node", "ds"])
        assert both.height == summed.height
        np.testing.assert_allclose(both["mean"].to_numpy(), both["sum"].to_numpy(), rtol=1e-12)


def test_what_was_not_seen_of_some_series_does_not_lower_the_bands_of_all(history: pl.DataFrame) -> None:
    """One row in five is missing: the sum of what was seen is no sum of what was forecast."""
    some = history.filter(pl.struct("unique_id", "ds").hash(seed=3) % 5 > 0)
    total = forecast_panel(some, horizon=HORIZON, hierarchy=["state"], fast=True).filter(pl.col("level") == "total")
    assert total["q50"].sum() == pytest.approx(total["mean"].sum(), rel=0.08)


def test_what_sleeps_every_winter_wakes_in_its_month() -> None:
    generator = np.random.default_rng(4)
    weeks = [date(2015, 3, 2) + timedelta(weeks=week) for week in range(152)]
    awake = np.array([3 <= week.month <= 9 for week in weeks])
    rows = [
        pl.DataFrame({"unique_id": f"ice {number}", "ds": weeks, "y": generator.poisson(20.0, 152) * awake})
        for number in range(12)
    ]
    told = forecast_panel(pl.concat(rows), horizon=12, freq="W", fast=True)
    assert set(told["method"]) == {"the same time of earlier years"}
    by_week = told.group_by("ds").agg(pl.col("mean").mean(), pl.col("q90").mean()).sort("ds")
    asleep = by_week.filter(pl.col("ds") < date(2018, 2, 20))
    up = by_week.filter(pl.col("ds") > date(2018, 3, 12))
    assert by_week["ds"].min() == date(2018, 1, 29)
    assert asleep["mean"].max() == 0.0
    assert up["mean"].mean() == pytest.approx(20.0, rel=0.15)
    assert (up["q90"] > up["mean"]).all()


def test_forecast_knows_the_weekly_season(history: pl.DataFrame, forecast: pl.DataFrame) -> None:
    total = forecast.filter(pl.col("level") == "total").with_columns(pl.col("ds").dt.weekday().alias("weekday"))
    saturday = total.filter(pl.col("weekday") == 6)["mean"].mean()
    rest = total.filter(pl.col("weekday") != 6)["mean"].mean()
    assert saturday / rest == pytest.approx(2.0, abs=0.25)  # type: ignore[operator]


def test_aggregates_are_scored_against_the_sums_of_their_series(history: pl.DataFrame) -> None:
    cut = history["ds"].max() - timedelta(days=7)  # type: ignore[operator]
    past, then = history.filter(pl.col("ds") <= cut), history.filter(pl.col("ds") > cut)
    told = forecast_panel(past, horizon=7, hierarchy=["state", "store"], fast=True)
    rows = score(then, told, past)
    wape = {row["level"]: row["value"] for row in rows.iter_rows(named=True) if row["metric"] == "wape"}
    assert set(wape) == {"total", "state", "state/store", "unique_id"}
    assert wape["total"] < wape["unique_id"]
    assert rows.filter(pl.col("metric") == "rmsse").height == 4


def test_bands_of_aggregates_do_not_cross(forecast: pl.DataFrame) -> None:
    bands = forecast.select(QUANTILE_COLUMNS).to_numpy()
    assert np.isfinite(bands).all()
    assert (np.diff(bands, axis=1) >= 0).all()


def test_same_panel_in_any_row_order_gives_the_same_forecast(history: pl.DataFrame, forecast: pl.DataFrame) -> None:
    mixed = history.sample(fraction=1.0, shuffle=True, seed=9)
    assert_frame_equal(forecast, forecast_panel(mixed, horizon=HORIZON, hierarchy=["state", "store"], fast=True))


def test_known_price_plan_moves_the_forecast() -> None:
    panel = daily_panel(days=200)
    generator = np.random.default_rng(0)
    cut = generator.random(panel.height) < 0.3
    panel = panel.with_columns(
        pl.Series("price", np.where(cut, 1.0, 2.0)), pl.Series("y", panel["y"].to_numpy() * np.where(cut, 2.5, 1.0))
    )
    ids = panel.select("unique_id").unique(maintain_order=True)
    days = pl.DataFrame({"ds": [panel["ds"].max() + timedelta(days=step) for step in range(1, 8)]})  # type: ignore[operator]
    sums = [
        forecast_panel(
            panel, horizon=7, future=ids.join(days, how="cross").with_columns(pl.lit(price).alias("price")), fast=True
        )["mean"].sum()
        for price in (1.0, 2.0)
    ]
    assert sums[0] > 1.5 * sums[1]


def test_days_out_of_stock_are_not_zero_demand(history: pl.DataFrame) -> None:
    empty = (pl.col("unique_id") == "item03") & (pl.col("ds") > date(2023, 5, 1))
    out = history.with_columns(pl.when(empty).then(0.0).otherwise("y").alias("y"), (~empty).alias("on_shelf"))
    told = forecast_panel(out, horizon=7, in_stock="on_shelf", fast=True).filter(pl.col("unique_id") == "item03")
    believed = forecast_panel(out.drop("on_shelf"), horizon=7, fast=True).filter(pl.col("unique_id") == "item03")
    assert told["mean"].mean() > 4  # type: ignore[operator]
    assert told["mean"].mean() > 2 * believed["mean"].mean()  # type: ignore[operator]


def test_troubled_series_are_named_and_the_others_go_on(history: pl.DataFrame) -> None:
    def one(name: str, ys: list[float | None], step: int = 1) -> pl.DataFrame:
        dates = [date(2023, 5, 1) + timedelta(days=step * day) for day in range(len(ys))]
        return pl.DataFrame({"unique_id": name, "ds": dates, "y": ys}, schema_overrides={"y": pl.Float64})

    clash = pl.concat([one("clash", [1.0, 2.0]), one("clash", [9.0])])
    panel = pl.concat(
        [
            history.select("unique_id", "ds", "y"),
            one("short", [3.0, 4.0, 5.0]),
            one("flat", [2.0] * 31),
            one("gaps", [5.0, 6.0, 4.0, 5.0, 7.0, 6.0], step=5),
            one("negative", [4.0, -2.0, 5.0, 3.0, 4.0] * 6),
            one("nothing", [None] * 10),
            clash,
        ]
    )
    told = forecast_with_notes(panel, horizon=5, fast=True)
    notes = dict(zip(told.notes["unique_id"], told.notes["note"], strict=True))
    assert set(told.notes.filter("is_refused")["unique_id"]) == {"clash", "nothing"}
    assert "2023-05-01" in notes["clash"]
    assert "only 3 values" in notes["short"]
    assert "20 dates missing" in notes["gaps"]
    assert "negative values" in notes["negative"]
    means = told.forecast.group_by("unique_id").agg(pl.col("mean").mean(), pl.len())
    by_id = dict(zip(means["unique_id"], means["mean"], strict=True))
    assert set(means["len"]) == {5}
    assert {"short", "flat", "gaps", "negative"} <= set(by_id)
    assert not {"clash", "nothing"} & set(by_id)
    flat = told.forecast.filter(pl.col("unique_id") == "flat")
    assert flat.select("mean", *QUANTILE_COLUMNS).to_numpy() == pytest.approx(2.0)
    assert 2.5 < by_id["short"] < 5.5
    assert 3.0 < by_id["gaps"] < 8.0


@pytest.mark.parametrize(
    ("panel", "words"),
    [
        (pl.DataFrame({"unique_id": ["a"], "ds": ["2024-01-01"]}), "history lacks the column y"),
        (pl.DataFrame({"unique_id": ["a", "a"], "ds": ["2024-01-01", "x"], "y": [1, 2]}), "row 2: ds 'x'"),
        (pl.DataFrame({"unique_id": ["a", "a"], "ds": ["2024-01-01", "2024-01-02"], "y": ["1", "q"]}), "row 2: y 'q'"),
        (pl.DataFrame({"unique_id": [None], "ds": ["2024-01-01"], "y": [1]}), "row 1: unique_id is empty"),
        (pl.DataFrame(schema={"unique_id": pl.String, "ds": pl.Date, "y": pl.Float64}), "no rows"),
    ],
)
def test_broken_file_is_refused_with_column_and_row(panel: pl.DataFrame, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        forecast_panel(panel, horizon=3)


def test_unknown_frequency_is_refused(history: pl.DataFrame) -> None:
    with pytest.raises(UsageError, match="frequency Q is not one of D, W, MS"):
        forecast_panel(history, horizon=3, freq="Q")


def test_missing_plan_rows_are_said(history: pl.DataFrame) -> None:
    panel = history.with_columns((pl.col("ds").dt.day() == 1).alias("is_holiday"))
    plan = panel.filter(pl.col("ds") == panel["ds"].max()).with_columns(pl.col("ds") + timedelta(days=1))
    told = forecast_with_notes(panel, horizon=3, future=plan.drop("y"), fast=True)
    assert told.forecast.height == 12 * 3
    assert told.notes["note"].str.contains("2 future rows missing").sum() == 12


@settings(max_examples=12, deadline=None)
@given(st.lists(st.lists(st.floats(0, 1e6), min_size=1, max_size=30), min_size=1, max_size=4), st.integers(1, 10))
def test_any_panel_gives_finite_ordered_rows(series: list[list[float]], horizon: int) -> None:
    panel = pl.concat(
        [
            pl.DataFrame(
                {"unique_id": f"s{n}", "ds": [date(2024, 1, 1) + timedelta(days=d) for d in range(len(ys))], "y": ys}
            )
            for n, ys in enumerate(series)
        ]
    )
    rows = forecast_panel(panel, horizon=horizon, fast=True)
    bands = rows.select("mean", *QUANTILE_COLUMNS).to_numpy()
    assert rows.height == len(series) * horizon
    assert np.isfinite(bands).all()
    assert (bands >= 0).all()
    assert (np.diff(bands[:, 1:], axis=1) >= 0).all()


@pytest.mark.parametrize(("freq", "step"), [("W", "1w"), ("MS", "1mo")])
def test_weeks_and_months_keep_their_rhythm(freq: str, step: str) -> None:
    start = date(2020, 1, 3) if freq == "W" else date(2020, 1, 1)
    dates = pl.date_range(start, start.replace(year=2022), interval=step, eager=True)
    panel = pl.DataFrame({"unique_id": "a", "ds": dates, "y": np.arange(dates.len()) % 12 + 5.0})
    rows = forecast_panel(panel, horizon=3, freq=freq, fast=True)
    expected = pl.Series([dates[-1]]).dt.offset_by(step)[0]
    assert rows["ds"][0] == expected
    assert rows["ds"].n_unique() == 3


def test_forecast_beats_the_last_value_on_days_kept_aside() -> None:
    panel = daily_panel(days=200)
    cut = date(2023, 7, 6)
    past, then = panel.filter(pl.col("ds") <= cut), panel.filter(pl.col("ds") > cut)
    told = forecast_panel(past, horizon=14, fast=True)
    last = past.filter(pl.col("ds") == cut).select("unique_id", pl.col("y").alias("last"))
    naive = told.join(last, on="unique_id").with_columns(pl.col("last").alias("mean"))
    figures = [dict(score(then, frame, past).select("metric", "value").iter_rows()) for frame in (told, naive)]
    for metric in ("wape", "rmsse", "mase"):
        assert figures[0][metric] < 0.85 * figures[1][metric]
