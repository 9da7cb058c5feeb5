"""What a customer is worth: two models say how often they will come back, Gamma-Gamma what they will spend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import gammaln

from customers import bg_nbd, pareto_nbd
from customers.bg_nbd import BgNbd
from customers.history import Array, columns, enough, history_of, most_likely
from customers.pareto_nbd import ParetoNbd


@dataclass(frozen=True)
class OrderModel:
    """Two accounts of how customers come back and leave; what is expected is the mean of both.

    They fit what is seen about as well and part only in what comes later, so that none can be told to be the true one.
    """

    after_an_order: BgNbd
    at_any_time: ParetoNbd


@dataclass(frozen=True)
class SpendModel:
    """Gamma-Gamma: an order's value is gamma(p, v) with v gamma(q, gamma) over customers."""

    p: float
    q: float
    gamma: float


def fit_orders(customers: pl.DataFrame) -> OrderModel:
    """Return the models most likely to give these customers (frequency, recency, age, first_amount).

    Who starts with a large order comes more often or less, as far as these customers say.
    Raises UsageError where fewer than `MIN_REPEATERS` customers came back.
    """
    history = history_of(customers)
    by_size = bool(np.any(history.size != 0))
    return OrderModel(bg_nbd.fit(history, by_size=by_size), pareto_nbd.fit(history, by_size=by_size))


def fit_spend(customers: pl.DataFrame) -> SpendModel:
    """Return the Gamma-Gamma model of the customers who came back (frequency, mean_amount); others are not read.

    Fader and Hardie, "The Gamma-Gamma Model of Monetary Value" (2013), equation 1a.
    Raises UsageError where fewer than `MIN_REPEATERS` customers came back.
    """
    paid = customers.filter(pl.col("frequency") > 0, pl.col("mean_amount") > 0)
    x, mean = columns(paid, "frequency", "mean_amount")
    enough(x)

    def loss(logs: Array) -> float:
        p, q, gamma = np.exp(logs)
        fixed = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(gamma)
        spread = (p * x - 1) * np.log(mean) + p * x * np.log(x) - (p * x + q) * np.log(gamma + mean * x)
        return -float(np.mean(fixed + spread))

    found = np.exp(most_likely(loss, [0.0, 0.0, 0.0], [1.0, 1.0, np.log(mean.mean())]))
    return SpendModel(*(float(one) for one in found))


def value_customers(
    customers: pl.DataFrame, orders: OrderModel, spend: SpendModel | None, horizon_weeks: float
) -> pl.DataFrame:
    """Return the customers with alive_rate, expected_orders and expected_value over the next `horizon_weeks`.

    `customers`: as `summarise` gives it, the ones that `orders` was fitted to. `expected_value`: orders times expected
    spend an order (`fit_spend`, equation 5), null without `spend`.
    """
    history = history_of(customers)
    one, other = orders.after_an_order, orders.at_any_time
    alive = (bg_nbd.alive_rate(one, history) + pareto_nbd.alive_rate(other, history)) / 2
    expected = bg_nbd.expected_orders(one, history, horizon_weeks)
    expected = (expected + pareto_nbd.expected_orders(other, history, horizon_weeks)) / 2
    valued = customers.with_columns(alive_rate=pl.Series(alive), expected_orders=pl.Series(expected))
    if spend is None:
        return valued.with_columns(expected_value=pl.lit(None, pl.Float64))
    total = pl.col("mean_amount").fill_null(0) * pl.col("frequency")
    per_order = spend.p * (spend.gamma + total) / (spend.p * pl.col("frequency") + spend.q - 1)
    return valued.with_columns(expected_value=pl.col("expected_orders") * per_order)
