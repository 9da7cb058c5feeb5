"""Demand behind empty shelves: expectations by hand, a world whose truth is known, and what must not be touched."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import nbinom

from benchmarks.forecast_sets import SHARED, m5_items
from benchmarks.stockouts import LIMIT, figures, sell
from forecasting.history import _moments, unconstrained


def world(series: int = 40, days: int = 400) -> np.ndarray:
    """Ten goods in four shops each, by weekday and with a slow season."""
    random = np.random.default_rng(7)
    day = np.arange(days)
    week = np.array([0.8, 0.7, 0.8, 0.9, 1.1, 1.5, 1.2])[day % 7]
    season = 1 + 0.4 * np.sin(2 * np.pi * day / days)
    mean = random.uniform(1, 8, series)[:, None] * week * season
    return random.negative_binomial(3, 3 / (3 + mean)).astype(np.float64)


GOODS = np.repeat(np.arange(10), 4)


def test_what_is_expected_of_demand_that_was_not_less_is_the_sum_over_all_it_can_be() -> None:
    size, mean, least = 2.0, 3.5, np.array([0.0, 1.0, 4.0, 9.0])
    can_be = np.arange(2_000)
    chances = nbinom.pmf(can_be, size, size / (size + mean))
    first, second = _moments(least, np.full(4, mean), np.full(4, size))
    for at, low in enumerate(least):
        left = np.where(can_be >= low, chances, 0.0)
        assert first[at] == pytest.approx((can_be * left).sum() / left.sum())
        assert second[at] == pytest.approx((can_be**2 * left).sum() / left.sum())


def test_all_demand_is_told_within_two_percent_where_empty_shelves_hide_seven() -> None:
    wanted = world()
    sold, is_empty = sell(wanted, 3)
    found = unconstrained(sold, is_empty, GOODS, season=7, reach=14)
    assert sold.sum() / wanted.sum() < 0.95
    assert found.sum() / wanted.sum() == pytest.approx(1, abs=LIMIT)


def test_days_with_stock_stay_as_they_are_and_no_empty_day_was_wanted_less_than_it_sold() -> None:
    wanted = world(8, 120)
    wanted[0, :30] = np.nan
    sold, is_empty = sell(wanted, 1)
    found = unconstrained(sold, is_empty, GOODS[:8], season=7, reach=14)
    np.testing.assert_array_equal(found[~is_empty], sold[~is_empty])
    assert (found[is_empty] >= sold[is_empty]).all()
    assert np.isnan(found[0, :30]).all()


def test_a_shelf_that_was_empty_all_along_is_told_by_the_others() -> None:
    """Each of eight shelves in turn is empty while demand falls by a third: its own past alone would tell too much."""
    wanted = world(8, 120)
    told = []
    for row in range(8):
        is_empty = np.zeros(wanted.shape, dtype=bool)
        is_empty[row, 60:90] = True
        sold = np.where(is_empty, 0.0, wanted)
        found = unconstrained(sold, is_empty, np.zeros(8, dtype=np.int64), season=7, reach=14)
        told.append(found[row, 60:90].sum())
    assert wanted[:, 60:90].sum() < 0.7 * wanted[:, 30:60].sum()
    assert sum(told) == pytest.approx(wanted[:, 60:90].sum(), rel=0.1)
    np.testing.assert_allclose(told, wanted[:, 60:90].sum(axis=1), rtol=0.45)


def test_no_bucket_is_filled_with_what_came_after_it() -> None:
    """Whatever came later, the same is found at a cutoff: a trial at an earlier origin knows no more."""
    wanted = world(12, 200)
    sold, is_empty = sell(wanted, 2)
    found = unconstrained(sold, is_empty, GOODS[:12], season=7, reach=14)
    wild = sold.copy()
    wild[:, 120:] = wild[:, 120:] * 9 + 50
    for past in (sold[:, :120], wild):
        told = unconstrained(past, is_empty[:, : past.shape[1]], GOODS[:12], season=7, reach=14)
        np.testing.assert_allclose(told[:, :120], found[:, :120], rtol=1e-12)


@pytest.mark.skipif(not SHARED.exists(), reason="../shared/data is not here")
def test_m5_items_with_empty_shelves_are_told_within_two_percent() -> None:
    (bias,) = figures(m5_items(SHARED), "", seeds=(1,))
    assert bias.value < LIMIT
