"""What a customer did, in the few numbers that models of coming back need, and the search for their parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import minimize

from tillmill.errors import UsageError

Array = NDArray[np.float64]
Model = TypeVar("Model")

MIN_REPEATERS = 10  # fewer customers who came back say nothing about coming back
MOST_READ = 10_000  # customers whose likelihood is taken: with more, parameters move in the third digit
DAYS_PER_WEEK = 7.0


_FAR = (-12.0, 12.0)  # where nobody leaves, or all are alike, parameters would run away for nothing
_EXACT = {"ftol": 1e-12, "gtol": 1e-7}


@dataclass(frozen=True)
class History:
    """Per customer: repeats x, weeks from the first order to the last and to the end, size of the first order.

    `size` is log(1 + first amount / the median first amount) less its mean: the same in every currency, and 0 for
    everybody where amounts are not told.
    """

    x: Array
    recency: Array
    age: Array
    size: Array

    def rows(self, chosen: slice) -> History:
        """The same of some customers, in a column each, so that draws can stand beside it."""
        return History(*(one[chosen, None] for one in (self.x, self.recency, self.age, self.size)))


def summarise(transactions: pl.DataFrame, customer: str, day: str, amount: str | None, until: date) -> pl.DataFrame:
    """Return one row per customer: customer_id, frequency, recency, age, mean_amount, first_amount, by customer.

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
            first_amount=pl.col("amount").first(),
        )
        .sort("customer_id")
    )


def history_of(customers: pl.DataFrame) -> History:
    """The numbers of `customers`, as `summarise` gives them; first_amount may be missing or null."""
    size = np.zeros(customers.height)
    if "first_amount" in customers.columns:
        paid = customers["first_amount"].cast(pl.Float64).clip(0)
        usual = paid.median()
        if isinstance(usual, float) and usual > 0:
            size = (paid.fill_null(usual) / usual).log1p().to_numpy()
            size = size - size.mean()
    x, recency, age = columns(customers, "frequency", "recency", "age")
    return History(x, recency, age, size)


def read_for_fit(history: History) -> History:
    """At most `MOST_READ` customers, evenly spread over all; raises UsageError where too few came back."""
    enough(history.x)
    if len(history.x) <= MOST_READ:
        return history
    place = np.linspace(0, len(history.x) - 1, MOST_READ).astype(np.int64)
    return History(history.x[place], history.recency[place], history.age[place], history.size[place])


def enough(frequency: Array) -> None:
    """Raises UsageError where too few customers came back to know a rate."""
    if (repeaters := int((frequency > 0).sum())) < MIN_REPEATERS:
        raise UsageError(f"{repeaters} customers came back at least once; {MIN_REPEATERS} are needed to know a rate")


def columns(customers: pl.DataFrame, *names: str) -> list[Array]:
    """Columns as floats."""
    return [customers[name].cast(pl.Float64).to_numpy() for name in names]


def alphas(alpha: float, pull: float, history: History) -> Array:
    """alpha of each customer: the first order's size pulls the rate of orders, gamma(r, alpha), by exp(pull x size).

    Fader and Hardie, "Incorporating Time-Invariant Covariates into the Pareto/NBD and BG/NBD Models" (2007).
    """
    found: Array = alpha * np.exp(-pull * history.size)
    return found


def fitted(
    make: Callable[..., Model], loss: Callable[[Model], float], *starts: Sequence[float], by_size: bool
) -> Model:
    """The model with the least loss that gradients find; `make`: of four positive parameters and the pull.

    `starts`: logarithms of the four to start from. `by_size`: whether there is a pull to find.
    """

    def model(at: Array) -> Model:
        return make(*(float(one) for one in np.exp(at[:4])), *(float(one) for one in at[4:]))

    pull = [0.0] if by_size else []
    return model(most_likely(lambda at: loss(model(at)), *([*start, *pull] for start in starts)))


def most_likely(loss: Callable[[Array], float], *starts: Sequence[float]) -> Array:
    """The parameters with the least loss that gradients find from the starts; a loss that is no number is no place."""

    def safe(at: Array) -> float:
        with np.errstate(all="ignore"):
            value = loss(at)
        return value if np.isfinite(value) else 1e10

    tries: list[Any] = [
        minimize(safe, np.array(start), method="L-BFGS-B", bounds=[_FAR] * len(start), options=_EXACT)
        for start in starts
    ]
    best: Array = min(tries, key=lambda one: one.fun).x
    return best
