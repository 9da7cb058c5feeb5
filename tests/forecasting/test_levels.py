"""Levels that hold together: the sum follows the market, and a birth is not taken for a level."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from forecasting.grid import Floats
from forecasting.levels import calm_births, total_factor
from forecasting.weekly import forecast_demand
from tests.forecasting.panels import FIRST_MONDAY

WEEKS, HORIZON = 56, 8


def market(shape: Floats, series: int = 300, seed: int = 11) -> pl.DataFrame:
    """Counted weekly demand of small and large series whose rates all follow `shape` (one figure a week)."""
    generator = np.random.default_rng(seed)
    rates = np.exp(generator.normal(0.3, 1.0, series))
    units = generator.poisson(rates[:, None] * shape).astype(float)
    return pl.DataFrame(
        {
            "sku": np.repeat([f"{number:04d}" for number in range(series)], shape.size),
            "channel_id": "store",
            "location_id": "*",
            "week_on": [FIRST_MONDAY + timedelta(weeks=week) for week in range(shape.size)] * series,
            "units": units.ravel(),
        }
    )


def bias_of_total(history: pl.DataFrame) -> float:
    """Σ forecast ÷ Σ demand - 1 of the last eight weeks, forecast from the weeks before them."""
    cutoff = FIRST_MONDAY + timedelta(weeks=WEEKS - HORIZON, days=-1)
    told = forecast_demand(history, horizon_weeks=HORIZON, cutoff_on=cutoff)
    came = history.filter(pl.col("week_on") > cutoff)
    return float(np.sum(told["mean"].to_numpy()) / np.sum(came["units"].to_numpy())) - 1.0


@pytest.mark.slow
def test_forecast_of_a_slowly_declining_market_sums_to_what_comes() -> None:
    """A quarter lost a year; over three markets, because one market's eight weeks hold luck of some percent."""
    shape = 0.75 ** (np.arange(WEEKS) / 52.0)
    assert np.mean([bias_of_total(market(shape, seed=seed)) for seed in (11, 12, 13)]) == pytest.approx(0.0, abs=0.05)


@pytest.mark.slow
def test_forecast_after_a_fall_of_the_market_starts_where_the_market_is() -> None:
    """A fifth lost within six weeks, steady since: levels smoothed series by series would still remember more."""
    fall = np.interp(np.arange(WEEKS), [WEEKS - HORIZON - 10, WEEKS - HORIZON - 4], [1.0, 0.8])
    assert np.mean([bias_of_total(market(fall, seed=seed)) for seed in (11, 12, 13)]) == pytest.approx(0.0, abs=0.05)


def test_levels_above_a_calm_total_are_pulled_down_to_it() -> None:
    generator = np.random.default_rng(1)
    values = generator.poisson(10.0, (100, 20)).astype(float)
    factor = total_factor(values, np.full(100, 12.0), 4)
    assert 12.0 * factor == pytest.approx(values[:, -4:].mean(), rel=0.02)


def test_a_gap_within_the_noise_of_the_total_moves_little() -> None:
    values = np.tile([5.0, 15.0], (100, 10))
    assert total_factor(values, np.full(100, 10.5), 4) == pytest.approx(1.0, abs=0.005)


def test_few_series_or_none_of_a_recent_past_are_left_alone() -> None:
    values = np.full((100, 20), 10.0)
    assert total_factor(values[:20], np.full(20, 20.0), 4) == 1.0
    assert total_factor(values * np.nan, np.full(100, 20.0), 4) == 1.0
    assert total_factor(values * 0.0, np.zeros(100), 4) == 1.0
    assert total_factor(values[:, :2], np.full(100, 20.0), 4) == 1.0


def test_a_series_observed_in_only_some_recent_weeks_does_not_move_the_total() -> None:
    values = np.full((100, 20), 10.0)
    values[:50, :-2] = np.nan
    values[:50, -2:] = 99.0
    assert total_factor(values, np.full(100, 10.0), 4) == pytest.approx(1.0)


def test_births_are_scaled_to_what_follows_them_and_nothing_else_is() -> None:
    values = np.full((80, 30), 1.0)
    for row in range(40):
        values[row, : 5 + row % 10] = np.nan
        values[row, 5 + row % 10] = 4.0
    calm = calm_births(values)
    np.testing.assert_array_equal(np.nan_to_num(calm), np.nan_to_num(np.where(values == 4.0, 1.0, values)))
    assert (np.isnan(calm) == np.isnan(values)).all()


def test_births_low_by_chance_are_not_raised_and_few_births_tell_nothing() -> None:
    values = np.full((80, 30), 4.0)
    values[:40, :5] = np.nan
    values[:40, 5] = 1.0
    np.testing.assert_array_equal(calm_births(values), values)
    values[:40, 5] = 40.0
    values[:20, :6] = np.nan
    values[:20, 6:] = np.nan
    np.testing.assert_array_equal(calm_births(values), values)
