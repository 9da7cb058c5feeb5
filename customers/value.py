"""What a customer is worth: BG/NBD says how often they will come back, Gamma-Gamma what they will spend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import gammaln, hyp2f1

from tillmill.errors import UsageError

Array = NDArray[np.float64]

MIN_REPEATERS = 10  # fewer customers who came back say nothing about coming back
DAYS_PER_WEEK = 7.0


@dataclass(frozen=True)
class OrderModel:
    """BG/NBD: orders come at a rate gamma(r, alpha) a week; after each, beta(a, b) is the chance to leave."""

    r: float
    alpha: float
    a: float
    b: float


@dataclass(frozen=True)
class SpendModel:
    """Gamma-Gamma: an order's value is gamma(p, v) with v gamma(q, gamma) over customers."""

    p: float
    q: float
    gamma: float


def summarise(transactions: pl.DataFrame, customer: str, day: str, amount: str | None, until: date) -> pl.DataFrame:
    """Return one row per customer: customer_id, frequency, recency, age, mean_amount, sorted by customer.

    `transactions`: one row per purchase with a customer, a date and perhaps an amount; rows after `until` are not read,
    a day is one order at most. `frequency`: days with an order after the first. `recency`, `age`: weeks from the
    first order to the last, and to `until`. `mean_amount`: of the repeat orders, null without any or without `amount`.
    """
    orders = (
        transactions.select(
            customer_id=pl.col(customer).cast(pl.String),
            on=pl.col(day).cast(pl.Date),
            amount=pl.col(amount).cast(pl.Float64) if amount else pl.lit(None, pl.Float64),
        )
        .filter(pl.col("on") <= until)
        .group_by("customer_id", "on")
        .agg(pl.col("amount").sum() if amount else pl.col("amount").first())
        .sort("customer_id", "on")
    )
    weeks = pl.duration(days=1)
    return (
        orders.group_by("customer_id")
        .agg(
            frequency=pl.len().cast(pl.Int64) - 1,
            recency=(pl.col("on").max() - pl.col("on").min()) / weeks / DAYS_PER_WEEK,
            age=(pl.lit(until) - pl.col("on").min()) / weeks / DAYS_PER_WEEK,
            mean_amount=pl.col("amount").slice(1).mean(),
        )
        .sort("customer_id")
    )


def fit_orders(customers: pl.DataFrame) -> OrderModel:
    """Return the BG/NBD model most likely to give these customers (frequency, recency, age).

    Fader, Hardie and Lee, "Counting Your Customers the Easy Way", Marketing Science 24 (2005), equation 6.
    Raises UsageError where fewer than `MIN_REPEATERS` customers came back.
    """
    x, recency, age = _columns(customers, "frequency", "recency", "age")
    _enough(x)

    def loss(logs: Array) -> float:
        r, alpha, a, b = np.exp(logs)
        stayed = -(r + x) * np.log(alpha + age)
        left = np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + recency)
        both = np.where(x > 0, np.logaddexp(stayed, left), stayed)
        fixed = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
        chance = gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
        return -float(np.mean(fixed + chance + both))

    return OrderModel(*_maximum(loss, 4))


def fit_spend(customers: pl.DataFrame) -> SpendModel:
    """Return the Gamma-Gamma model of the customers who came back (frequency, mean_amount); others are not read.

    Fader and Hardie, "The Gamma-Gamma Model of Monetary Value" (2013), equation 1a.
    Raises UsageError where fewer than `MIN_REPEATERS` customers came back.
    """
    paid = customers.filter(pl.col("frequency") > 0, pl.col("mean_amount") > 0)
    x, mean = _columns(paid, "frequency", "mean_amount")
    _enough(x)

    def loss(logs: Array) -> float:
        p, q, gamma = np.exp(logs)
        fixed = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(gamma)
        spread = (p * x - 1) * np.log(mean) + p * x * np.log(x) - (p * x + q) * np.log(gamma + mean * x)
        return -float(np.mean(fixed + spread))

    return SpendModel(*_maximum(loss, 3))


def value_customers(
    customers: pl.DataFrame, orders: OrderModel, spend: SpendModel | None, horizon_weeks: float
) -> pl.DataFrame:
    """Return the customers with alive_rate, expected_orders and expected_value over the next `horizon_weeks`.

    `customers`: as `summarise` gives it. `expected_value`: orders times expected spend an order, null without `spend`.
    Sources: `fit_orders`, equations 7 and 10; `fit_spend`, equation 5. Where a is at most 1 the formula still holds.
    """
    x, recency, age = _columns(customers, "frequency", "recency", "age")
    r, alpha, a, b = orders.r, orders.alpha, orders.a, orders.b
    if abs(a - 1) < 1e-6:  # the formula has a removable pole there
        a += 1e-5
    ratio = ((alpha + age) / (alpha + recency)) ** (r + x)
    gone = np.where(x > 0, a / (b + np.maximum(x, 1) - 1) * ratio, 0.0)
    reach = horizon_weeks / (alpha + age + horizon_weeks)
    series = hyp2f1(r + x, b + x, a + b + x - 1, reach)
    expected = (a + b + x - 1) / (a - 1) * (1 - (1 - reach) ** (r + x) * series) / (1 + gone)
    valued = customers.with_columns(alive_rate=pl.Series(1 / (1 + gone)), expected_orders=pl.Series(expected))
    if spend is None:
        return valued.with_columns(expected_value=pl.lit(None, pl.Float64))
    total = pl.col("mean_amount").fill_null(0) * pl.col("frequency")
    per_order = spend.p * (spend.gamma + total) / (spend.p * pl.col("frequency") + spend.q - 1)
    return valued.with_columns(expected_value=pl.col("expected_orders") * per_order)


def _columns(customers: pl.DataFrame, *names: str) -> list[Array]:
    return [customers[name].cast(pl.Float64).to_numpy() for name in names]


def _enough(frequency: Array) -> None:
    if (repeaters := int((frequency > 0).sum())) < MIN_REPEATERS:
        raise UsageError(f"{repeaters} customers came back at least once; {MIN_REPEATERS} are needed to know a rate")


def _maximum(loss: Callable[[Array], float], count: int) -> list[float]:
    """Return the positive parameters with the least loss, found by simplex and sharpened by gradient."""
    coarse: Any = minimize(loss, np.zeros(count), method="Nelder-Mead", options={"maxiter": 4000, "fatol": 1e-9})
    fine: Any = minimize(loss, coarse.x, method="L-BFGS-B", options={"ftol": 1e-13, "gtol": 1e-8})
    best = fine.x if fine.fun <= coarse.fun else coarse.x
    return [float(value) for value in np.exp(best)]
