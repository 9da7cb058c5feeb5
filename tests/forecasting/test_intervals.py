"""Quantiles never cross, never go below zero, and hold what they promise."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting import metrics
from forecasting.intervals import in_whole_units, learn_spread, quantiles_of, whole_units


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
    bands = quantiles_of(learn_spread(mean, actual, size, unrest), mean, size, unrest)
    assert np.isfinite(bands).all()
    assert (np.diff(bands, axis=-1) >= 0).all()
    assert (bands >= 0).all()


def test_bands_cover_what_they_promise_at_every_level_of_demand() -> None:
    generator = np.random.default_rng(2)
    mean = np.exp(generator.uniform(-3, 5, 40_000))
    actual = generator.poisson(mean).astype(float)
    ones, unrest = np.ones_like(mean), 1 / np.sqrt(mean)
    learnt, fresh = slice(0, 20_000), slice(20_000, None)
    spread = learn_spread(mean[learnt], actual[learnt], ones[learnt], unrest[learnt])
    bands = in_whole_units(quantiles_of(spread, mean[fresh], ones[fresh], unrest[fresh]))
    for low, high in ((0.05, 0.5), (0.5, 5), (5, 150)):
        part = (mean[fresh] >= low) & (mean[fresh] < high)
        assert 0.77 <= metrics.coverage(actual[fresh][part], bands[part]) <= 0.83


def test_restless_series_get_wider_bands_than_calm_ones() -> None:
    generator = np.random.default_rng(4)
    unrest = np.repeat([0.1, 0.8], 3_000)
    mean = np.full(6_000, 50.0)
    actual = np.maximum(mean * (1 + unrest * generator.standard_normal(6_000)), 0)
    bands = quantiles_of(learn_spread(mean, actual, mean, unrest), mean, mean, unrest)
    assert (bands[-1, 5] - bands[-1, 1]) > 3 * (bands[0, 5] - bands[0, 1])


def test_only_counted_demand_gets_counted_bounds() -> None:
    assert whole_units(np.array([[1.0, 2.0, np.nan, 0.0]]))
    assert not whole_units(np.array([[1.5, 2.25, 3.1]]))
    assert not whole_units(np.array([[np.nan]]))
