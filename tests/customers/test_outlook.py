"""Bounds hold what happens: on made customers of known models, and on the CDNOW sample's held-out weeks."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from customers.outlook import with_intervals
from customers.value import OrderModel, SpendModel, fit_orders, fit_spend, value_customers
from tests.customers.test_value import cdnow, cdnow_transactions

WEEKS = 39
UNTIL = date(1997, 9, 30)


def cdnow_judged() -> pl.DataFrame:
    """Each customer of the sample: what was expected of the 39 weeks after the fit, and what came."""
    people = cdnow()
    orders, spend = fit_orders(people), fit_spend(people)
    expected = with_intervals(value_customers(people, orders, spend, WEEKS), orders, spend, WEEKS)
    came = (
        cdnow_transactions()
        .filter(pl.col("day") > UNTIL, pl.col("day") <= UNTIL + timedelta(weeks=WEEKS))
        .group_by("customer", "day")
        .agg(pl.col("amount").sum())
        .group_by(customer_id="customer")
        .agg(came=pl.len(), paid=pl.col("amount").sum())
    )
    return expected.join(came, on="customer_id", how="left").with_columns(pl.col("came", "paid").fill_null(0))


def test_cdnow_held_out() -> None:
    """Order days per customer: root mean square error and total as published for BG/NBD on this sample."""
    judged = cdnow_judged()
    error = float(np.sqrt(((judged["came"] - judged["expected_orders"]) ** 2).mean()))
    assert error <= 1.61
    assert abs(judged["expected_orders"].sum() / judged["came"].sum() - 1) <= 0.13


def test_nine_in_ten_cdnow_customers_stay_within_their_bounds() -> None:
    """Orders are whole numbers and most are none, so the bounds hold somewhat more than nine in ten."""
    judged = cdnow_judged()
    for what, name in (("came", "expected_orders"), ("paid", "expected_value")):
        within = judged[what].is_between(judged[f"{name}_low"], judged[f"{name}_high"]).mean()
        assert 0.88 <= float(within) <= 0.97, (what, within)  # type: ignore[arg-type]


def test_bounds_enclose_the_expectation_and_are_the_same_again() -> None:
    people = cdnow().head(300)
    orders, spend = OrderModel(0.243, 4.414, 0.793, 2.426), SpendModel(6.25, 3.74, 15.44)
    valued = value_customers(people, orders, spend, WEEKS)
    found = with_intervals(valued, orders, spend, WEEKS)
    assert found.equals(with_intervals(valued, orders, spend, WEEKS))
    assert (found["expected_orders_low"] <= found["expected_orders"]).all()
    assert (found["expected_orders"] <= found["expected_orders_high"] + 1).all()
    without = with_intervals(value_customers(people, orders, None, WEEKS), orders, None, WEEKS)
    assert without["expected_value_low"].null_count() == people.height


def test_nobody_has_no_bounds() -> None:
    orders = OrderModel(0.243, 4.414, 0.793, 2.426)
    empty = value_customers(cdnow().clear(), orders, None, WEEKS)
    assert "expected_orders_low" in with_intervals(empty, orders, None, WEEKS).columns
