"""The same grid gives the same forecast, however many of its series are looked at together."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

import forecasting.grid
from forecasting import models, trials
from forecasting.engine import forecast_grid
from forecasting.features import look
from forecasting.grid import Grid
from forecasting.models import aims_of
from forecasting.panel import panel_grid
from tests.forecasting.panels import daily_panel


def grid_with_groups(days: int = 200) -> Grid:
    grid, _, _ = panel_grid(daily_panel(days=days), horizon=14, freq="D", future=None)
    return replace(grid, static={"group": np.arange(grid.count) % 2})


def test_the_same_grid_is_forecast_the_same_twice() -> None:
    first, second = (forecast_grid(grid_with_groups(), 14) for _ in range(2))
    np.testing.assert_array_equal(first.mean, second.mean)
    np.testing.assert_array_equal(first.quantiles, second.quantiles)


def test_blocks_of_series_are_forecast_as_the_whole_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block pools the week of its own series: what moves by it is little even where a block is five of them."""
    grid = grid_with_groups()
    whole = forecast_grid(grid, 14, fast=True)
    monkeypatch.setattr(trials, "SERIES_AT_ONCE", 5)
    assert len(trials.blocks_of(grid.count)) > 1
    blocks = forecast_grid(grid, 14, fast=True)
    assert np.abs(blocks.mean - whole.mean).sum() < 0.03 * whole.mean.sum()
    assert blocks.kind.tolist() == whole.kind.tolist()


def test_parts_add_up_to_the_mean() -> None:
    outcome = forecast_grid(grid_with_groups(), 14, fast=True)
    np.testing.assert_allclose(sum(outcome.parts.values()), outcome.mean, atol=1e-9)
    assert (outcome.mean >= 0.0).all()


def test_of_very_many_series_so_many_are_learnt_from_that_every_bucket_is_aimed_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    grid = grid_with_groups()
    monkeypatch.setattr(forecasting.grid, "FEWEST_SERIES", 4)
    buckets = grid.length - 1 - models.earliest_origin(grid, 14)
    effort = replace(models.FAST, rows=8 * buckets)
    chosen = models.series_taught(grid, 14, effort)
    assert grid.count > chosen.size == np.unique(chosen).size == 8
    np.testing.assert_array_equal(chosen, models.series_taught(grid, 14, effort))
    taught = models.lessons_of(look(grid.take(chosen)), 14, effort)
    assert np.unique(taught.targets).size == buckets
    monkeypatch.setattr(models, "FAST", effort)
    assert forecast_grid(grid, 14, fast=True).mean.shape[0] == grid.count


def test_every_bucket_is_taught_equally_often() -> None:
    aims = aims_of(10, 200, 28, 2 * 189.0)
    targets = Counter(origin + step for origin, steps in aims.items() for step in steps)
    assert set(targets) == set(range(11, 200))
    assert {count for target, count in targets.items() if target > 11} == {2}
    assert min(aims) >= 10


def test_of_more_buckets_than_rows_one_of_each_few_is_taught() -> None:
    aims = aims_of(10, 1_010, 28, 100.0)
    targets = sorted(origin + step for origin, steps in aims.items() for step in steps)
    assert len(targets) == 100
    assert max(np.diff(targets)) < 20
    assert len({target % 7 for target in targets}) == 7


def test_origins_stand_apart_where_that_is_asked_and_every_bucket_is_still_aimed_at() -> None:
    aims = aims_of(10, 200, 28, 2 * 189.0, 4)
    late = [origin for origin in aims if origin > 14]
    assert {(200 - origin) % 4 for origin in late} == {0}
    assert {origin + step for origin, steps in aims.items() for step in steps} == set(range(11, 200))
