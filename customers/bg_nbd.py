"""BG/NBD: customers order at a rate of their own, and may leave for good after any order.

Fader, Hardie and Lee, "Counting Your Customers the Easy Way", Marketing Science 24 (2005); the pull of the first
order's size as of `history.alphas`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, hyp2f1

from customers.history import Array, History, alphas, fitted, read_for_fit


@dataclass(frozen=True)
class BgNbd:
    """Orders come at a rate gamma(r, alpha) a week times exp(pull x size); after each, beta(a, b) of them leave."""

    r: float
    alpha: float
    a: float
    b: float
    pull: float = 0.0


def fit(history: History, *, by_size: bool = False) -> BgNbd:
    """The model most likely to give this history (equation 6); `by_size` lets the first order's size pull the rate.

    Raises UsageError where too few customers came back.
    """
    read = read_for_fit(history)
    x, age = read.x, read.age

    def loss(model: BgNbd) -> float:
        r, a, b = model.r, model.a, model.b
        alpha = alphas(model.alpha, model.pull, read)
        stayed = -(r + x) * np.log(alpha + age)
        left = np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + read.recency)
        both = np.where(x > 0, np.logaddexp(stayed, left), stayed)
        fixed = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
        chance = gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
        return -float(np.mean(fixed + chance + both))

    pace = np.log(max(float(age.mean() / x.mean()), 1e-3))
    return fitted(BgNbd, loss, [0.0, 0.0, 0.0, 0.0], [-0.7, pace - 0.7, -0.2, 1.0], by_size=by_size)


def alive_rate(model: BgNbd, history: History) -> Array:
    """The chance that each customer is still here: 1 for whoever came once, who had no time to leave."""
    x, alpha = history.x, alphas(model.alpha, model.pull, history)
    ratio = ((alpha + history.age) / (alpha + history.recency)) ** (model.r + x)
    gone = np.where(x > 0, model.a / (model.b + np.maximum(x, 1) - 1) * ratio, 0.0)
    found: Array = 1 / (1 + gone)
    return found


def expected_orders(model: BgNbd, history: History, weeks: float) -> Array:
    """Orders expected of each customer over the next `weeks` (equation 10); where a is at most 1 it still holds."""
    x, r, b = history.x, model.r, model.b
    # The formula has a removable pole there.
    a = model.a + 1e-5 if abs(model.a - 1) < 1e-6 else model.a
    reach = weeks / (alphas(model.alpha, model.pull, history) + history.age + weeks)
    series = hyp2f1(r + x, b + x, a + b + x - 1, reach)
    coming = (a + b + x - 1) / (a - 1) * (1 - (1 - reach) ** (r + x) * series)
    found: Array = coming * alive_rate(model, history)
    return found


def draw(model: BgNbd, history: History, weeks: float, draws: int, random: np.random.Generator) -> Array:
    """Orders of each customer (rows) over the next `weeks` in as many outcomes, given what they did.

    Still here with the chance `alive_rate`; if so, orders at a rate gamma(r + x, alpha + age) and a chance to leave
    after each of beta(a, b + x), so that the number is the smaller of a Poisson and a geometric draw.
    """
    shape = (len(history.x), draws)
    rate = random.gamma(model.r + history.x, 1 / (alphas(model.alpha, model.pull, history) + history.age), shape)
    leaving = np.clip(random.beta(model.a, model.b + history.x, shape), 1e-12, 1)
    came = np.minimum(random.poisson(rate * weeks), random.geometric(leaving))
    return np.where(random.random(shape) < alive_rate(model, history), came, 0).astype(np.float64)
