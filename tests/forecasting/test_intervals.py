"""Quantiles never cross, never go below zero, and hold what they promise."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting import metrics
from forecasting.grid import RHYTHMS, Floats
from forecasting.intervals import in_whole_units, learn_spread, quantiles_of, signs_of, whole_units


def signs_like(mean: Floats, size: Floats, unrest: Floats) -> Floats:
    """Signs of series that sell as they did: nothing waits, every bucket sells."""
    return np.stack([size, unrest, mean, mean, np.zeros_like(mean), np.ones_like(mean)], axis=-1)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(1, 400),
    rate=st.floats(0.01, 1e5),
    zero_share=st.floats(0, 0.99),
    seed=st.integers(0, 2**31),
)
def test_quantiles_never_cross_nor_go_below_zero(rows: int, rate: float, zero_share: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    mean = generator.gamma(0.7, rate, rows)
    actual = np.where(generator.random(rows) < zero_share, 0.0, generator.gamma(0.5, rate, rows))
    size, unrest = np.full(rows, rate), generator.random(rows) * 3
    means, signs = mean[:, None], signs_like(mean, size, unrest)
    bands = quantiles_of(learn_spread([means], [actual[:, None]], [signs]), means, signs)
    assert np.isfinite(bands).all()
    assert (np.diff(bands, axis=-1) >= 0).all()
    assert (bands >= 0).all()


def test_bands_cover_what_they_promise_at_every_level_of_demand() -> None:
    generator = np.random.default_rng(2)
    mean = np.exp(generator.uniform(-3, 5, 40_000))
    actual = generator.poisson(mean).astype(float)
    signs = signs_like(mean, np.ones_like(mean), 1 / np.sqrt(mean))
    learnt, fresh = slice(0, 20_000), slice(20_000, None)
    spread = learn_spread([mean[learnt, None]], [actual[learnt, None]], [signs[learnt]])
    bands = in_whole_units(quantiles_of(spread, mean[fresh, None], signs[fresh])[:, 0])
    for low, high in ((0.05, 0.5), (0.5, 5), (5, 150)):
        part = (mean[fresh] >= low) & (mean[fresh] < high)
        assert 0.77 <= metrics.coverage(actual[fresh][part], bands[part]) <= 0.83


def test_restless_series_get_wider_bands_than_calm_ones() -> None:
    generator = np.random.default_rng(4)
    unrest = np.repeat([0.1, 0.8], 3_000)
    mean = np.full(6_000, 50.0)
    actual = np.maximum(mean * (1 + unrest * generator.standard_normal(6_000)), 0)
    signs = signs_like(mean, mean, unrest)
    bands = quantiles_of(learn_spread([mean[:, None]], [actual[:, None]], [signs]), mean[:, None], signs)[:, 0]
    assert (bands[-1, 5] - bands[-1, 1]) > 3 * (bands[0, 5] - bands[0, 1])


def test_a_shelf_that_has_stood_still_is_told_apart_from_one_that_sells() -> None:
    """One in two series that have not sold for a month sells nothing again; those that sell go on."""
    generator = np.random.default_rng(5)
    mean = np.full(4_000, 20.0)
    signs = signs_like(mean, mean, np.full(4_000, 0.3))
    signs[:2_000, 4] = 28.0
    gone = (np.arange(4_000) < 2_000) & (generator.random(4_000) < 0.5)
    actual = np.where(gone, 0.0, generator.poisson(mean)).astype(float)
    bands = quantiles_of(learn_spread([mean[:, None]], [actual[:, None]], [signs]), mean[:, None], signs)[:, 0]
    assert bands[0, 2] == 0
    assert bands[-1, 0] > 10


def test_signs_are_read_off_the_last_buckets() -> None:
    values = np.array([[np.nan] * 20 + [4.0] * 30 + [0.0] * 6, [0.0] * 56])
    size, unrest, recent, level, waited, share = signs_of(
        values, np.array([2.0, 1.0]), np.array([4.0, 1.0]), RHYTHMS["D"]
    ).T
    assert size.tolist() == [4.0, 1.0]
    np.testing.assert_allclose(unrest, [4 / 35 / 2.0, 0.0])
    np.testing.assert_allclose(recent, [4 / 7, 0.0])
    np.testing.assert_allclose(level, [22 * 4 / 28, 0.0])
    assert waited.tolist() == [6.0, 60.0]
    np.testing.assert_allclose(share, [30 / 56, 0.0])


def test_only_counted_demand_gets_counted_bounds() -> None:
    assert whole_units(np.array([[1.0, 2.0, np.nan, 0.0]]))
    assert not whole_units(np.array([[1.5, 2.25, 3.1]]))
    assert not whole_units(np.array([[np.nan]]))
