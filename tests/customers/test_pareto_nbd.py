"""Pareto/NBD meets the published estimates on the CDNOW sample, and its formulas agree with plain integration."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.integrate import quad
from scipy.special import gammaln

from benchmarks import cdnow
from customers import pareto_nbd
from customers.history import History, history_of
from customers.pareto_nbd import ParetoNbd
from tests.customers import needs

CDNOW = ParetoNbd(0.553, 10.578, 0.606, 11.669)


def history(x: list[int], recency: list[float], age: float) -> History:
    return history_of(pl.DataFrame({"frequency": x, "recency": recency, "age": [age] * len(x)}))


@needs.cdnow
def test_published_estimates() -> None:
    """Fader, Hardie and Lee (2005), table 2: r .553, alpha 10.578, s .606, beta 11.669; log-likelihood -9,595.0."""
    people = history_of(cdnow.people())
    found = pareto_nbd.fit(people)
    assert (found.r, found.alpha, found.s, found.beta) == pytest.approx((0.553, 10.578, 0.606, 11.669), abs=0.01)
    assert pareto_nbd.log_likelihood(found, people).sum() == pytest.approx(-9595.0, abs=0.05)


@pytest.mark.parametrize("model", [CDNOW, ParetoNbd(0.553, 12.0, 0.606, 9.0), ParetoNbd(0.9, 8.0, 1.0, 8.0)])
@pytest.mark.parametrize(("x", "recency"), [(0, 0.0), (1, 0.5), (2, 30.43), (40, 38.0), (300, 38.8)])
def test_the_likelihood_is_what_integrating_over_the_time_of_leaving_gives(
    model: ParetoNbd, x: int, recency: float
) -> None:
    """Whether alpha is above beta, below, or the same; and for somebody who ordered hundreds of times."""
    age, r, s = 38.86, model.r, model.s
    top = -(r + x) * np.log(model.alpha + recency) - (s + 1) * np.log(model.beta + recency)

    def density(at: float) -> float:
        return float(np.exp(-(r + x) * np.log(model.alpha + at) - (s + 1) * np.log(model.beta + at) - top))

    left = np.log(s * quad(density, recency, age, epsabs=0, epsrel=1e-10)[0]) + top
    stayed = -(r + x) * np.log(model.alpha + age) - s * np.log(model.beta + age)
    fixed = gammaln(r + x) - gammaln(r) + r * np.log(model.alpha) + s * np.log(model.beta)
    some = history([x], [recency], age)
    assert pareto_nbd.log_likelihood(model, some)[0] == pytest.approx(fixed + np.logaddexp(stayed, left), rel=1e-6)
    assert pareto_nbd.alive_rate(model, some)[0] == pytest.approx(1 / (1 + np.exp(left - stayed)), abs=2e-6)


def test_a_long_silence_means_gone_and_one_order_may_mean_it() -> None:
    active, silent, single, now = pareto_nbd.alive_rate(CDNOW, history([8, 8, 0, 3], [38.0, 8.0, 0.0, 39.0], 39.0))
    assert active > 0.9
    assert silent < 0.05
    assert single == pytest.approx(0.294, abs=0.001)
    assert now == 1.0


def test_draws_have_the_expected_mean() -> None:
    """The draws of the bounds and the formula are two ways to the same expectation, at its removable pole too."""
    some = history([0, 2, 9], [0.0, 30.43, 37.0], 38.86)
    for model in (CDNOW, ParetoNbd(0.9, 8.0, 1.0, 9.0), ParetoNbd(0.9, 8.0, 2.0, 30.0)):
        drawn = pareto_nbd.draw(model, some.rows(slice(None)), 39, 200_000, np.random.default_rng(1)).mean(axis=1)
        assert drawn == pytest.approx(pareto_nbd.expected_orders(model, some, 39), rel=0.02, abs=0.004)
