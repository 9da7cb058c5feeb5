"""BG/NBD meets the published estimates on the CDNOW sample, and follows what customers do."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from benchmarks import cdnow
from customers import bg_nbd
from customers.bg_nbd import BgNbd
from customers.history import History, history_of
from tests.customers import needs

CDNOW = BgNbd(0.243, 4.414, 0.793, 2.426)


def history(x: list[int], recency: list[float], age: float) -> History:
    return history_of(pl.DataFrame({"frequency": x, "recency": recency, "age": [age] * len(x)}))


@needs.cdnow
def test_published_estimates() -> None:
    """Fader, Hardie and Lee (2005), table 2: r .243, alpha 4.414, a .793, b 2.426."""
    found = bg_nbd.fit(history_of(cdnow.people()))
    assert (found.r, found.alpha, found.a, found.b) == pytest.approx((0.243, 4.414, 0.793, 2.426), abs=0.01)
    assert found.pull == 0


def test_the_published_customer_is_expected_to_come_1_226_times() -> None:
    """Fader, Hardie and Lee's worked example: x 2, recency 30.43, age 38.86, next 39 weeks: 1.226 orders."""
    found = bg_nbd.expected_orders(CDNOW, history([2], [30.43], 38.86), 39)
    assert found[0] == pytest.approx(1.226, abs=0.001)


def test_a_long_silence_means_gone_and_one_order_does_not() -> None:
    active, silent, single = bg_nbd.alive_rate(CDNOW, history([8, 8, 0], [38.0, 8.0, 0.0], 39.0))
    assert active > 0.9
    assert silent < 0.05
    assert single == 1.0


def test_draws_have_the_expected_mean() -> None:
    """The draws of the bounds and the formula are two ways to the same expectation."""
    some = history([0, 2, 9], [0.0, 30.43, 37.0], 38.86)
    drawn = bg_nbd.draw(CDNOW, some.rows(slice(None)), 39, 200_000, np.random.default_rng(1)).mean(axis=1)
    assert drawn == pytest.approx(bg_nbd.expected_orders(CDNOW, some, 39), rel=0.02, abs=0.004)


def test_customers_made_with_a_pull_are_found_to_have_it() -> None:
    """20,000 made customers whose rate rises with their first order: the pull comes back, and the rest with it."""
    random = np.random.default_rng(7)
    count, true = 20_000, BgNbd(0.8, 6.0, 0.9, 2.5, pull=0.6)
    size = random.normal(0, 0.5, count)
    size -= size.mean()
    rate = random.gamma(true.r, 1 / (true.alpha * np.exp(-true.pull * size)))
    leaving = random.beta(true.a, true.b, count)
    age = random.uniform(20, 60, count)
    x, recency = np.zeros(count), np.zeros(count)
    for place in range(count):
        while True:
            later = recency[place] + random.exponential(1 / rate[place])
            if later > age[place]:
                break
            x[place], recency[place] = x[place] + 1, later
            if random.random() < leaving[place]:
                break
    found = bg_nbd.fit(History(x, recency, age, size), by_size=True)
    assert found.pull == pytest.approx(0.6, abs=0.06)
    assert (found.r, found.alpha, found.a, found.b) == pytest.approx((0.8, 6.0, 0.9, 2.5), rel=0.15)
