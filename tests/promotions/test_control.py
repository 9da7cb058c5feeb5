"""Weights are optimal, published answers are met, and the interval covers what it says it covers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from promotions.control import Array, estimate, fit, placebo_gaps, ridge_penalties, simplex_weights
from promotions.effect import Effect, effect

SHARED = Path(__file__).parents[3] / "shared" / "data" / "promotion"


def shared(path: str) -> pl.DataFrame:
    if not (SHARED / path).exists():
        pytest.skip("the public data sets of ../shared/data are not here")
    return pl.read_parquet(SHARED / path)


@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(2, 20), st.sampled_from([0.0, 0.01, 1.0]))
@settings(max_examples=120, deadline=None)
def test_weights_satisfy_the_conditions_of_optimality(seed: int, count: int, rows: int, ridge: float) -> None:
    random = np.random.default_rng(seed)
    donors = random.normal(size=(rows, count))
    gram = donors.T @ donors / rows + ridge * np.eye(count)
    target = donors.T @ random.normal(size=rows) / rows
    weights = simplex_weights(gram, target)
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1)
    slope = gram @ weights - target
    assert slope.min() >= slope[weights > 1e-6].max() - 1e-5


def test_weights_are_those_of_a_general_solver() -> None:
    random = np.random.default_rng(1)
    donors, own = random.normal(size=(30, 6)), random.normal(size=30)
    gram, target = donors.T @ donors / 30, donors.T @ own / 30
    other = minimize(
        lambda w: w @ gram @ w / 2 - target @ w,
        np.full(6, 1 / 6),
        bounds=[(0, 1)] * 6,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        tol=1e-12,
    )
    assert simplex_weights(gram, target) == pytest.approx(other.x, abs=1e-4)


def test_a_unit_made_of_two_donors_is_found_again() -> None:
    random = np.random.default_rng(2)
    donors = random.normal(100, 10, size=(60, 5))
    weights, gaps = fit(0.3 * donors[:, 1] + 0.7 * donors[:, 4] + 500, donors, 50, np.zeros(5))
    assert weights == pytest.approx([0, 0.3, 0, 0, 0.7], abs=1e-6)
    assert np.abs(gaps).max() < 1e-4, "the level, 500 above, is the unit's fixed effect"


def test_placebos_see_nothing_after_their_date() -> None:
    random = np.random.default_rng(3)
    own, donors = random.normal(size=30), random.normal(size=(30, 8))
    before = placebo_gaps(own, donors, 24, 2, np.full(8, 0.1))
    own[24:] += 1000
    assert placebo_gaps(own, donors, 24, 2, np.full(8, 0.1)) == pytest.approx(before)


def geolift() -> Effect:
    panel = shared("geolift/GeoLift_Test.parquet")
    return effect(panel, "location", "date", "Y", ["chicago", "portland"], "2021-04-01", "2021-04-15")


def test_geolift_published_answer() -> None:
    """GeoLift (Meta, R package), walkthrough: ATT 155.556, 4,667 units, 5.4 %; fixed effects, no augmentation."""
    found = geolift()
    assert found.verdict == "measured"
    assert found.att == pytest.approx(155.556, abs=0.001)
    assert found.incremental == pytest.approx(4667, abs=0.5)
    assert found.lift == pytest.approx(0.054, abs=0.0005)
    assert found.low is not None
    assert found.low > 0


def test_california_tobacco_gap_in_2000() -> None:
    """Abadie, Diamond and Hainmueller (JASA 105, 2010): about -26 packs per head, without fixed effects.

    With them -25.2 here, and -17.4 without a ridge: the band guards the choice of ridge, it does not prove the method.
    """
    panel = shared("prop99/california_prop99.parquet").unpivot(index="Year", variable_name="state", value_name="packs")
    found = effect(panel, "state", "Year", "packs", ["California"], 1989, 2000)
    assert -28 < found.gaps["2000"] < -25
    alone = effect(
        panel.filter(~pl.col("Year").is_between(1989, 1999)), "state", "Year", "packs", ["California"], 2000, 2000
    )
    assert alone.att == pytest.approx(found.gaps["2000"]), "the weights must not depend on the dates asked about"


def factor_panel(
    random: np.random.Generator, before: int, after: int, memory: float, lift: float
) -> tuple[Array, Array]:
    """Stores that follow two wandering factors and a week's rhythm, with autocorrelated noise of their own."""
    periods, units = before + after, 31
    factors = np.c_[random.normal(size=(periods, 2)).cumsum(axis=0) / 2, np.sin(np.arange(periods) * 2 * np.pi / 7)]
    noise = random.normal(size=(periods, units))
    for period in range(1, periods):
        noise[period] = memory * noise[period - 1] + np.sqrt(1 - memory**2) * noise[period]
    values = random.normal(50, 10, size=units) + 6 * factors @ random.dirichlet(np.ones(3), size=units).T + noise
    values[before:, 0] += lift
    return values[:, 0], values[:, 1:]


@pytest.mark.parametrize(("before", "after", "memory"), [(26, 2, 0.0), (26, 4, 0.5), (12, 2, 0.0)])
def test_the_interval_covers_and_seldom_cries_wolf(before: int, after: int, memory: float) -> None:
    random = np.random.default_rng(4)
    covered = alarms = 0
    for _ in range(200):
        own, donors = factor_panel(random, before, after, memory, lift=0.0)
        nothing = estimate(own, donors, before, ridge_penalties(donors, before))
        alarms += not nothing.low <= 0 <= nothing.high
        own[before:] += 5.0
        something = estimate(own, donors, before, ridge_penalties(donors, before))
        covered += something.low <= 5.0 <= something.high
    assert covered / 200 >= 0.85
    assert alarms / 200 <= 0.12


def test_naive_before_and_after_would_cry_wolf() -> None:
    """The reason for all this: on the same panels a t-test of after against before is wrong most of the time."""
    random = np.random.default_rng(4)
    alarms = 0
    for _ in range(200):
        own, _ = factor_panel(random, 26, 4, 0.5, lift=0.0)
        change = own[26:].mean() - own[:26].mean()
        error = own[:26].std(ddof=1) * np.sqrt(1 / 4 + 1 / 26)
        alarms += abs(change) > 1.7 * error
    assert alarms / 200 > 0.25
