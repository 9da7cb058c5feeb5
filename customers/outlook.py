"""How far a customer's future may lie from what is expected: nine outcomes in ten, drawn from the fitted models."""

from __future__ import annotations

import numpy as np
import polars as pl

from customers import bg_nbd, pareto_nbd
from customers.history import Array, History, history_of
from customers.value import OrderModel, SpendModel

DRAWS = 500
CONFIDENCE = 0.9
SEED = 1997
_AT_ONCE = 2_000  # customers whose draws are held together: some 8 MB an array


def with_intervals(
    valued: pl.DataFrame, orders: OrderModel, spend: SpendModel | None, horizon_weeks: float
) -> pl.DataFrame:
    """Return the customers with the bounds of `CONFIDENCE` of outcomes over the next `horizon_weeks`.

    `valued`: as `value_customers` gives it. Adds expected_orders_low, _high (whole orders) and expected_value_low,
    _high (null without `spend`). Half of the outcomes come about as each of the two models of `orders` says, given what
    the customer did; each order's value is gamma(p, v) with v gamma(q + p x, gamma + what x orders came to). The
    parameters themselves are taken as known. Draws are seeded: the same customers in the same order have the same
    bounds.
    """
    random = np.random.default_rng(SEED)
    valued = valued.sort("customer_id")
    history = history_of(valued)
    pieces = []
    for start in range(0, valued.height, _AT_ONCE):
        at_once = slice(start, start + _AT_ONCE)
        came = _outcomes(orders, history.rows(at_once), horizon_weeks, random)
        pieces.append(_bounds(valued[at_once], came, spend, random))
    if not pieces:
        return valued.with_columns(
            pl.lit(None, pl.Float64).alias(f"{name}_{end}")
            for name in ("expected_orders", "expected_value")
            for end in _ENDS
        )
    return pl.concat(pieces)


_ENDS = ("low", "high")


def _outcomes(orders: OrderModel, history: History, weeks: float, random: np.random.Generator) -> Array:
    half = DRAWS // 2
    one = bg_nbd.draw(orders.after_an_order, history, weeks, half, random)
    return np.hstack([one, pareto_nbd.draw(orders.at_any_time, history, weeks, half, random)])


def _bounds(piece: pl.DataFrame, came: Array, spend: SpendModel | None, random: np.random.Generator) -> pl.DataFrame:
    found = _quantiles(came, "expected_orders")
    if spend is None:
        found += [pl.Series(f"expected_value_{end}", [None] * piece.height, pl.Float64) for end in _ENDS]
    else:
        x, mean = (
            piece[name].cast(pl.Float64).fill_null(0).to_numpy()[:, None] for name in ("frequency", "mean_amount")
        )
        per_unit = random.gamma(spend.q + spend.p * x, 1 / (spend.gamma + mean * x), came.shape)
        # No order, no value; the draw needs a shape above zero all the same.
        value = random.gamma(np.maximum(spend.p * came, 1e-9)) / np.maximum(per_unit, 1e-300)
        found += _quantiles(np.where(came > 0, value, 0.0), "expected_value")
    return piece.with_columns(found)


def _quantiles(outcomes: Array, name: str) -> list[pl.Series]:
    outside = (1 - CONFIDENCE) / 2
    ends = np.quantile(outcomes, [outside, 1 - outside], axis=1, method="inverted_cdf")
    return [pl.Series(f"{name}_{end}", values) for end, values in zip(_ENDS, ends, strict=True)]
