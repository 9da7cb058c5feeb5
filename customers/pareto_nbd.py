"""Pareto/NBD: customers order at a rate of their own, and leave for good at a time of their own, seen by nobody.

Schmittlein, Morrison and Colombo, "Counting Your Customers", Management Science 33 (1987), as derived anew by Fader and
Hardie, "A Note on Deriving the Pareto/NBD Model and Related Expressions" (2005); the pull of the first order's size as
of `history.alphas`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy.special import exprel, gammaln

from customers.history import Array, History, alphas, fitted, read_for_fit

_POINTS, _WEIGHTS = ((at + 1) / 2 if side == 0 else at / 2 for side, at in enumerate(leggauss(24)))


@dataclass(frozen=True)
class ParetoNbd:
    """Orders come at a rate gamma(r, alpha) a week times exp(pull x size); customers leave at a rate gamma(s, beta)."""

    r: float
    alpha: float
    s: float
    beta: float
    pull: float = 0.0


def fit(history: History, *, by_size: bool = False) -> ParetoNbd:
    """The model most likely to give this history; `by_size` lets the first order's size pull the rate of orders.

    Raises UsageError where too few customers came back.
    """
    read = read_for_fit(history)

    def loss(model: ParetoNbd) -> float:
        return -float(np.mean(log_likelihood(model, read)))

    # From rates of orders and of leaving as they would be about if all had one, with some spread.
    age = float(np.mean(read.age))
    orders = np.log(max(age / float(np.mean(read.x)), 1e-3))
    return fitted(ParetoNbd, loss, [-0.7, orders - 0.7, -0.5, np.log(age / 2)], by_size=by_size)


def log_likelihood(model: ParetoNbd, history: History) -> Array:
    """The logarithm of the density of each customer's history."""
    x, r, s = history.x, model.r, model.s
    alpha = alphas(model.alpha, model.pull, history)
    fixed = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(model.beta)
    stayed, left = _stayed_and_left(model, history)
    found: Array = fixed + np.logaddexp(stayed, left)
    return found


def alive_rate(model: ParetoNbd, history: History) -> Array:
    """The chance that each customer is still here; who came once may have left too."""
    stayed, left = _stayed_and_left(model, history)
    found: Array = np.exp(stayed - np.logaddexp(stayed, left))
    return found


def expected_orders(model: ParetoNbd, history: History, weeks: float) -> Array:
    """Orders expected of each customer over the next `weeks`; where s is at most 1 the formula still holds."""
    until_now = model.beta + history.age
    longer = np.log((until_now + weeks) / until_now)
    # (1 - exp(-(s - 1) longer)) / (s - 1), without its removable pole at s = 1.
    time_here = until_now * longer * exprel(-(model.s - 1) * longer)
    found: Array = (
        (model.r + history.x)
        / (alphas(model.alpha, model.pull, history) + history.age)
        * time_here
        * alive_rate(model, history)
    )
    return found


def draw(model: ParetoNbd, history: History, weeks: float, draws: int, random: np.random.Generator) -> Array:
    """Orders of each customer (rows) over the next `weeks` in as many outcomes, given what they did.

    Still here with the chance `alive_rate`; if so, orders at a rate gamma(r + x, alpha + age) until the customer goes,
    at a rate gamma(s, beta + age): of those who are here the two are independent.
    """
    shape = (len(history.x), draws)
    rate = random.gamma(model.r + history.x, 1 / (alphas(model.alpha, model.pull, history) + history.age), shape)
    leaving = np.maximum(random.gamma(model.s, 1 / (model.beta + history.age), shape), 1e-12)
    here = np.minimum(random.exponential(1.0, shape) / leaving, weeks)
    here = np.where(random.random(shape) < alive_rate(model, history), here, 0.0)
    return random.poisson(rate * here).astype(np.float64)


def _stayed_and_left(model: ParetoNbd, history: History) -> tuple[Array, Array]:
    """Logarithms of what staying to the end, and leaving since the last order, add to the likelihood.

    Leaving is s times the integral from recency to age of (alpha + t)^-(r + x) (beta + t)^-(s + 1). Fader and Hardie
    write it as a hypergeometric function, which overflows where somebody ordered hundreds of times and takes long where
    hardly anybody leaves. Here the steep first factor is taken in as the measure: with y = log((alpha + t) / (alpha +
    recency)) and v = (1 - exp(-(r + x - 1) y)) / (r + x - 1) what is left to integrate over v is smooth, and 24 of
    Gauss and Legendre's points give chances to six digits.
    """
    recency, age = history.recency, history.age
    power = model.r + history.x - 1
    alpha, beta = alphas(model.alpha, model.pull, history), model.beta
    stayed = -(power + 1) * np.log(alpha + age) - model.s * np.log(beta + age)
    whole = np.log((alpha + age) / (alpha + recency))
    reach = whole * exprel(-power * whole)
    rest = np.zeros_like(reach)
    for at, weight in zip(_POINTS, _WEIGHTS, strict=True):
        steps = reach * at
        # y = -log(1 - power v) / power, which is v where power is 0.
        y = np.where(np.abs(power) < 1e-9, steps, -np.log1p(-power * steps) / np.where(power == 0, 1.0, power))
        t = (alpha + recency) * np.exp(y) - alpha
        rest += weight * ((beta + t) / (beta + recency)) ** -(model.s + 1)
    with np.errstate(divide="ignore"):  # nobody leaves in no time
        left = np.log(model.s) + np.log(reach * rest)
    left = left - power * np.log(alpha + recency) - (model.s + 1) * np.log(beta + recency)
    return stayed, left
