"""Nothing after an origin may be seen from it."""

import numpy as np
import pytest

from forecasting.features import look, origin_columns, stack, target_features, vantage
from forecasting.grid import Grid
from forecasting.models import FAST, fit_boostings, lessons_of, look_ahead, predict_boosting
from forecasting.panel import panel_grid
from tests.forecasting.panels import daily_panel


def grid_of_days(days: int = 150) -> Grid:
    grid, _, _ = panel_grid(daily_panel(days=days), horizon=14, freq="D", future=None)
    return grid


def shuffled_after(grid: Grid, origin: int) -> Grid:
    values = grid.values.copy()
    values[:, origin + 1 :] = np.random.default_rng(1).permuted(values[:, origin + 1 :], axis=1) * 7 + 3
    return Grid(**{**grid.__dict__, "values": values})


@pytest.mark.parametrize("origin", [20, 60, 120])
def test_features_do_not_move_when_the_future_is_shuffled(origin: int) -> None:
    grid = grid_of_days()
    before, after = look(grid), look(shuffled_after(grid, origin))
    for step in (1, 7, 14):
        told = [
            stack(origin_columns(vantage(sight, origin)), target_features(vantage(sight, origin), step), slice(None))
            for sight in (before, after)
        ]
        np.testing.assert_array_equal(told[0].values, told[1].values)


def test_features_across_years_never_reach_past_the_origin() -> None:
    """A year before a target that is itself more than a year ahead must go back two years, not one."""
    grid = grid_of_days(days=800)
    origin = 770
    before, after = look(grid), look(shuffled_after(grid, origin))
    for step in (28, 362, 365, 380):
        first, second = (target_features(vantage(sight, origin), step) for sight in (before, after))
        for name, (values, _, _) in first.items():
            np.testing.assert_array_equal(values, second[name][0], err_msg=f"{name} at step {step}")


def test_model_fitted_before_a_bucket_does_not_know_what_came_after() -> None:
    grid = grid_of_days()
    length = 110
    means = []
    for told in (grid, shuffled_after(grid, length - 1)):
        sight = look(told)
        ((model,), _) = fit_boostings([lessons_of(sight, 14, FAST).before(length)], FAST)
        assert model is not None
        means.append(predict_boosting(model, look_ahead(sight, length - 1, 14))[0])
    np.testing.assert_array_equal(means[0], means[1])
