"""A method that is worse than the published one at the same origins is never published."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from forecasting import backtest
from forecasting.backtest import (
    MODEL,
    MOVING,
    NAIVE,
    PLAN,
    SCORES_SCHEMA,
    SIGNALS,
    STATISTICAL,
    score_origins,
    without_plan,
)
from forecasting.champion import champion_of, choose, forecast_as, marked
from forecasting.engine import Outcome, forecast_grid
from forecasting.grid import QUANTILE_COLUMNS, Grid
from forecasting.weekly import PARTS, forecast_demand, weekly_grid
from tests.forecasting.panels import invented_weeks
from tests.forecasting.test_weekly import CUTOFF

LEVELS = ("sku", "*")


def scores(**errors: float) -> pl.DataFrame:
    """RMSSE of the named steps, half of it at one level and one and a half times as much at the other."""
    rows = [
        ("*", level, "*", step.replace("_", " "), 0, "rmsse", error * times, None)
        for step, error in errors.items()
        for level, times in zip(LEVELS, (0.5, 1.5), strict=True)
    ]
    return pl.DataFrame(rows, schema=SCORES_SCHEMA, orient="row")


TRIED = {NAIVE: 1.0, "moving_average": 0.9, STATISTICAL: 0.8, MODEL: 0.85, "promotion_plan": 0.7}


@pytest.mark.parametrize(
    ("errors", "champion", "published"),
    [
        (TRIED, MODEL, PLAN),
        # The first run: better than naive is enough, and the step that knows most goes first.
        (TRIED | {"promotion_plan": 0.95}, None, PLAN),
        (TRIED | {"promotion_plan": 1.05}, None, MODEL),
        # The plan is worse than the model that is published: the model stays.
        (TRIED | {"promotion_plan": 0.86}, MODEL, MODEL),
        (TRIED | {"promotion_plan": 0.85}, MODEL, PLAN),
        # A published method that is the best of all is kept, and a simple one may be.
        (TRIED | {"promotion_plan": 2.0, MODEL: 2.0}, STATISTICAL, STATISTICAL),
        ({NAIVE: 1.0, "moving_average": 0.9, STATISTICAL: 0.8, MODEL: 0.85}, PLAN, MODEL),
        ({NAIVE: 1.0, "moving_average": 0.9, STATISTICAL: 0.8, MODEL: 0.85}, STATISTICAL, STATISTICAL),
    ],
)
def test_the_last_step_that_is_no_worse_than_the_champion_is_published(
    errors: dict[str, float], champion: str | None, published: str
) -> None:
    assert choose(scores(**errors), champion) == published


@pytest.mark.parametrize(
    ("error", "champion", "published"),
    [
        (0.68, PLAN, SIGNALS),
        # Better than naive would be enough of any other step, but signals have to earn their place.
        (0.8, None, PLAN),
        (0.698, PLAN, PLAN),
        # And to keep it.
        (0.698, SIGNALS, PLAN),
        (0.68, SIGNALS, SIGNALS),
    ],
)
def test_signals_are_listened_to_where_they_take_something_off_the_error(
    error: float, champion: str | None, published: str
) -> None:
    assert choose(scores(**TRIED, signals=error), champion) == published


def test_without_signals_the_step_before_them_stands_in() -> None:
    assert choose(scores(**TRIED), SIGNALS) == PLAN


def test_without_a_trial_the_champion_stays() -> None:
    assert choose(scores(), None) == PLAN
    assert choose(scores(), STATISTICAL) == STATISTICAL


def test_a_level_that_one_step_has_no_figure_of_speaks_for_none() -> None:
    told = scores(**TRIED).with_columns(
        value=pl.when(pl.col("step") == PLAN, pl.col("level") == "*").then(None).otherwise("value")
    )
    assert choose(told, MODEL) == PLAN
    worse = told.with_columns(value=pl.when(pl.col("step") == PLAN).then(pl.col("value") * 2).otherwise("value"))
    assert choose(worse, MODEL) == MODEL


def test_the_champion_is_what_the_newest_run_published() -> None:
    landed = pl.concat([marked(scores(**TRIED), STATISTICAL), marked(scores(**TRIED), MODEL)])
    assert champion_of(landed) == MODEL
    assert champion_of(scores(**TRIED)) is None
    marks = marked(scores(**TRIED), MODEL).filter(metric="published")
    assert dict(marks.select("step", "value").iter_rows()) == {
        NAIVE: 0.0, MOVING: 0.0, STATISTICAL: 0.0, MODEL: 1.0, PLAN: 0.0,
    }  # fmt: skip


def test_a_broken_engine_is_found_out_at_past_origins_and_the_champion_published(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The engine forecasts ten times too much: whatever it publishes would be worse than last week's method."""

    def broken(grid: Grid, horizon: int, *, fast: bool = False) -> Outcome:
        found = forecast_grid(grid, horizon, fast=fast)
        return replace(found, mean=found.mean * 10, quantiles=found.quantiles * 10)

    history = invented_weeks()
    monkeypatch.setattr(backtest, "forecast_grid", broken)
    step = choose(score_origins(history, horizon_weeks=4, origins=1), MOVING)
    assert step in (MOVING, STATISTICAL)
    rows = forecast_as(step, history, horizon_weeks=4, cutoff_on=CUTOFF)
    sold = history.filter(pl.col("week_on") > CUTOFF - timedelta(weeks=8))["units"].sum() / 2
    assert rows["mean"].sum() == pytest.approx(sold, rel=0.5)
    assert set(rows["method"]) == {step}
    quantiles = rows.select(QUANTILE_COLUMNS).to_numpy()
    assert (np.diff(quantiles, axis=1) >= -1e-9).all()
    parts = rows.with_columns(pl.col("parts").str.json_decode(pl.Struct(dict.fromkeys(PARTS, pl.Float64))))
    summed = parts.select(sum=pl.sum_horizontal(pl.col("parts").struct.field(name) for name in PARTS))
    assert summed["sum"].to_numpy() == pytest.approx(rows["mean"].to_numpy())


def test_what_is_published_is_what_was_tried() -> None:
    """Each step's rows are the means that the trial of the same grid has."""
    history = invented_weeks()
    grid = weekly_grid(history, horizon_weeks=4, through_on=CUTOFF)
    steps, _ = backtest.steps_of(grid, 4)
    for step in (NAIVE, MOVING, STATISTICAL, MODEL):
        rows = forecast_as(step, history, horizon_weeks=4, cutoff_on=CUTOFF)
        assert rows["mean"].to_numpy() == pytest.approx(steps[step].ravel()), step
    whole = forecast_demand(history, horizon_weeks=4, cutoff_on=CUTOFF)
    assert forecast_as(PLAN, history, horizon_weeks=4, cutoff_on=CUTOFF).equals(whole)


@pytest.mark.parametrize("step", [NAIVE, MOVING, STATISTICAL, MODEL, PLAN])
def test_no_step_forecasts_what_is_retired(step: str) -> None:
    history = invented_weeks(series=12).with_columns(
        retired_on=pl.when(pl.col("sku") == "0001").then(pl.lit(CUTOFF)).otherwise(None)
    )
    rows = forecast_as(step, history, horizon_weeks=4, cutoff_on=CUTOFF)
    gone = pl.col("sku") == "0001"
    assert set(rows.filter(gone)["method"]) == {"retired"}
    assert rows.filter(gone)["mean"].sum() == 0.0
    assert rows.filter(~gone)["mean"].sum() > 0.0


def test_the_plan_is_a_step_of_its_own_and_worth_something_where_promotions_sell() -> None:
    history = invented_weeks(weeks=60, promotion_lift=4.0)
    last = history["week_on"].max()
    assert last is not None
    columns = ["sku", "channel_id", "location_id", "week_on", "price_amount", "promoted_share_rate"]
    ahead = pl.concat(
        history.filter(pl.col("week_on") == last).with_columns(pl.col("week_on") + timedelta(weeks=week))
        for week in range(1, 5)
    ).select(columns)
    found = score_origins(history, horizon_weeks=4, origins=1, future=ahead)
    whole = found.filter(
        pl.col("level") == "sku,channel_id,location_id",
        pl.col("class") == "*",
        pl.col("horizon") == 0,
        pl.col("metric") == "rmsse",
    )
    errors = dict(whole.select("step", "value").iter_rows())
    assert list(errors) == [NAIVE, MOVING, STATISTICAL, MODEL, PLAN]
    assert errors[PLAN] < 0.9 * errors[MODEL]
    assert choose(found, MODEL) == PLAN


def test_who_is_told_no_plan_cannot_see_it() -> None:
    history = invented_weeks(promotion_lift=4.0)
    ahead = history.with_columns(pl.col("week_on").dt.offset_by("4w"), promoted_share_rate=pl.lit(1.0)).filter(
        pl.col("week_on") > CUTOFF
    )
    grid = weekly_grid(history, horizon_weeks=4, through_on=CUTOFF, future=ahead)
    told = without_plan(grid)
    assert not {"price_amount", "promoted_share_rate"} & set(told.known)
    assert told.past["promoted_share_rate"].shape[1] == grid.length
