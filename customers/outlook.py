"""How far a customer's future may lie from what is expected: nine outcomes in ten, drawn from the fitted models."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from customers.value import OrderModel, SpendModel

DRAWS = 500
CONFIDENCE = 0.9
SEED = 1997
_AT_ONCE = 2_000  # customers whose draws are held together: some 8 MB an array

Array = NDArray[np.float64]


def with_intervals(
    valued: pl.DataFrame, orders: OrderModel, spend: SpendModel | None, horizon_weeks: float
) -> pl.DataFrame:
    """Return the customers with the bounds of `CONFIDENCE` of outcomes over the next `horizon_weeks`.

    `valued`: as `value_customers` gives it. Adds expected_orders_low, _high (whole orders) and expected_value_low,
    _high (null without `spend`). Each outcome is drawn as the models say a customer's future comes about, given what
    they did: still here with the chance `alive_rate`; if so, orders at a rate gamma(r + x, alpha + age) and a chance to
    leave after each of beta(a, b + x), so that the number is the smaller of a Poisson and a geometric draw; and each
    order's value is gamma(p, v) with v gamma(q + p x, gamma + what x orders came to). The parameters themselves are
    taken as known. Draws are seeded: the same customers in the same order have the same bounds.
    """
    random = np.random.default_rng(SEED)
    pieces = [
        _bounds(piece, orders, spend, horizon_weeks, random)
        for piece in valued.sort("customer_id").iter_slices(_AT_ONCE)
    ]
    if not pieces:
        return valued.with_columns(
            pl.lit(None, pl.Float64).alias(f"{name}_{end}")
            for name in ("expected_orders", "expected_value")
            for end in _ENDS
        )
    return pl.concat(pieces)


_ENDS = ("low", "high")


def _bounds(
    piece: pl.DataFrame, orders: OrderModel, spend: SpendModel | None, horizon_weeks: float, random: np.random.Generator
) -> pl.DataFrame:
    def column(name: str) -> Array:
        return piece[name].cast(pl.Float64).fill_null(0).to_numpy()[:, None]

    x, age, alive = column("frequency"), column("age"), column("alive_rate")
    shape = (piece.height, DRAWS)
    rate = random.gamma(orders.r + x, 1 / (orders.alpha + age), shape)
    leaving = np.clip(random.beta(orders.a, orders.b + x, shape), 1e-12, 1)
    came = np.minimum(random.poisson(rate * horizon_weeks), random.geometric(leaving))
    came = np.where(random.random(shape) < alive, came, 0).astype(np.float64)
    found = _quantiles(came, "expected_orders")
    if spend is None:
        found += [pl.Series(f"expected_value_{end}", [None] * piece.height, pl.Float64) for end in _ENDS]
    else:
        paid = column("mean_amount") * x
        per_unit = random.gamma(spend.q + spend.p * x, 1 / (spend.gamma + paid), shape)
        # No order, no value; the draw needs a shape above zero all the same.
        value = random.gamma(np.maximum(spend.p * came, 1e-9)) / np.maximum(per_unit, 1e-300)
        found += _quantiles(np.where(came > 0, value, 0.0), "expected_value")
    return piece.with_columns(found)


def _quantiles(outcomes: Array, name: str) -> list[pl.Series]:
    outside = (1 - CONFIDENCE) / 2
    ends = np.quantile(outcomes, [outside, 1 - outside], axis=1, method="inverted_cdf")
    return [pl.Series(f"{name}_{end}", values) for end, values in zip(_ENDS, ends, strict=True)]
