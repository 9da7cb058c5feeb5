"""Customer value meets the published estimates on the CDNOW sample, and is what both accounts of customers say."""

from __future__ import annotations

import polars as pl
import pytest

from benchmarks import cdnow
from customers.bg_nbd import BgNbd
from customers.history import history_of
from customers.pareto_nbd import ParetoNbd, expected_orders
from customers.value import OrderModel, SpendModel, fit_orders, fit_spend, value_customers
from tests.customers import needs
from tillmill.errors import UsageError

CDNOW = OrderModel(BgNbd(0.243, 4.414, 0.793, 2.426), ParetoNbd(0.553, 10.578, 0.606, 11.669))


@needs.cdnow
def test_gamma_gamma_published_estimates() -> None:
    """Fader and Hardie (2013), on the same customers: p 6.25, q 3.74, gamma 15.44."""
    path = cdnow.MEMBERS / "cdnow_customers_summary_with_transactions.csv"
    published = pl.read_csv(path).rename({"x": "frequency", "zbar": "mean_amount"})
    found = fit_spend(published)
    assert (found.p, found.q, found.gamma) == pytest.approx((6.25, 3.74, 15.44), abs=0.01)


def test_what_is_expected_is_the_mean_of_both_accounts() -> None:
    """BG/NBD says 1.226 of its authors' worked example; Pareto/NBD's own word of it is tested beside it."""
    one = pl.DataFrame({"frequency": [2], "recency": [30.43], "age": [38.86], "mean_amount": [22.35]})
    found = value_customers(one, CDNOW, SpendModel(6.25, 3.74, 15.44), 39)
    other = expected_orders(CDNOW.at_any_time, history_of(one), 39)[0]
    assert found["expected_orders"][0] == pytest.approx((1.226 + other) / 2, abs=0.001)
    per_order = 6.25 * (15.44 + 2 * 22.35) / (6.25 * 2 + 3.74 - 1)
    assert found["expected_value"][0] == pytest.approx(found["expected_orders"][0] * per_order)
    assert value_customers(one, CDNOW, None, 39)["expected_value"].null_count() == 1


@needs.cdnow
def test_cdnow_customers_who_started_with_a_large_order_come_more_often() -> None:
    """Both accounts see it; without amounts neither is asked."""
    people = cdnow.people()
    found = fit_orders(people)
    assert 0.5 < found.at_any_time.pull < found.after_an_order.pull < 1.0
    without = fit_orders(people.with_columns(first_amount=pl.lit(None, pl.Float64)))
    assert without.after_an_order.pull == without.at_any_time.pull == 0.0
    assert without.after_an_order.r == pytest.approx(0.243, abs=0.01)


def test_too_few_who_came_back_are_said_so() -> None:
    nobody = pl.DataFrame({"frequency": [0] * 50, "recency": [0.0] * 50, "age": [9.0] * 50})
    with pytest.raises(UsageError, match="0 customers came back"):
        fit_orders(nobody)
