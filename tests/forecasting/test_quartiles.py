"""Quartiles that trees learn: near the true ones, moved towards within bounds, and asked for where there is time."""

from __future__ import annotations

import numpy as np
import pytest

from forecasting import models, quartiles, trees
from forecasting.models import Ahead, Lessons
from forecasting.panel import forecast_panel
from tests.forecasting import panels


def lessons(rows: int = 6_000) -> Lessons:
    """Demand ÷ level evenly spread from 0 to twice a column, which runs from a half to one and a half."""
    generator = np.random.default_rng(7)
    matrix = generator.uniform(0.5, 1.5, (rows, 3)).astype(np.float32)
    ratios = matrix[:, 0] * generator.uniform(0.0, 2.0, rows)
    return Lessons(matrix, ratios, np.ones(rows), np.arange(rows) // 10, [])


@pytest.mark.parametrize("has_lightgbm", [True, False])
def test_a_quarter_of_demand_lies_below_the_first_and_three_below_the_third(
    has_lightgbm: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_lightgbm:
        monkeypatch.setattr(trees, "lightgbm", lambda: None)
    taught, unseen = lessons(), lessons(9_000)
    _, grown = models.fit_boostings([], models.FULL, quartiles.quartile_fits(taught))
    told = [one.ratios(unseen.matrix[6_000:]) for one in grown]
    below = [float((unseen.ratios[6_000:] < one).mean()) for one in told]
    assert below == pytest.approx(quartiles.LEVELS, abs=0.05)
    # They follow the column, and not the mean of all.
    wide = unseen.matrix[6_000:, 0] > 1.2
    assert float(told[1][wide].mean()) > 1.2 * float(told[1][~wide].mean())


def test_too_few_lessons_teach_no_quartiles() -> None:
    assert quartiles.quartile_fits(lessons(100)) == []
    ahead = Ahead(None, np.ones(2), 1)  # type: ignore[arg-type]
    assert quartiles.predict_quartiles([], ahead) == {}


def test_the_middle_moves_half_the_way_and_the_width_a_third() -> None:
    own = np.array([4.0, 5.0, 8.0, 10.0, 12.0, 15.0, 16.0])
    moved = quartiles.towards(own, np.array([9.0, 13.0]))
    np.testing.assert_allclose(moved, own + 0.5)
    narrower = quartiles.towards(own, np.array([9.5, 10.5]))
    np.testing.assert_allclose(narrower, own + 0.5 * np.array([1, 1, 1, 0, -1, -1, -1]))


def test_what_trees_say_of_a_day_they_do_not_know_moves_little_crosses_nothing_and_wakes_nothing() -> None:
    own = np.array([[4.0, 5.0, 8.0, 10.0, 12.0, 15.0, 16.0], [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0], [0.0] * 7])
    moved = quartiles.towards(own, np.array([[200.0, 204.0], [0.0, 3.0], [5.0, 9.0]]))
    # Half of half the quartile range, here two.
    np.testing.assert_allclose(moved[0], own[0] + 1.0)
    assert (np.diff(moved, axis=-1) >= 0).all()
    assert (moved >= 0).all()
    assert (moved[2] == 0).all()


def test_a_forecast_asks_for_quartiles_unless_it_shall_be_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[np.ndarray] = []
    towards = quartiles.towards

    def told(own: np.ndarray, asked: np.ndarray) -> np.ndarray:
        moved.append(asked)
        return towards(own, asked)

    monkeypatch.setattr(quartiles, "towards", told)
    history = panels.daily_panel(series=12)
    forecast_panel(history, horizon=7, freq="D", fast=True)
    assert moved == []
    forecast_panel(history, horizon=7, freq="D")
    (asked,) = moved
    assert asked.shape == (12, 7, 2)
