"""Customer value meets the published estimates on the CDNOW sample, and follows what customers do."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from customers.value import OrderModel, SpendModel, fit_orders, fit_spend, summarise, value_customers
from tillmill.errors import UsageError

MEMBERS = Path(__file__).parents[3] / "shared" / "data" / "members"
CDNOW = OrderModel(0.243, 4.414, 0.793, 2.426)


def cdnow_transactions() -> pl.DataFrame:
    if not MEMBERS.exists():
        pytest.skip("the public data sets of ../shared/data are not here")
    fields = [line.split() for line in (MEMBERS / "CDNOW_sample.txt").read_text().splitlines() if line.strip()]
    rows = [(one[1], one[2], float(one[4])) for one in fields]
    frame = pl.DataFrame(rows, schema=["customer", "day", "amount"], orient="row")
    return frame.with_columns(pl.col("day").str.to_date("%Y%m%d"))


def cdnow() -> pl.DataFrame:
    return summarise(cdnow_transactions(), "customer", "day", "amount", date(1997, 9, 30))


def test_the_summary_is_the_published_one() -> None:
    """The authors' own summary of the same file: repeats, weeks of recency and age to two digits."""
    published = pl.read_csv(MEMBERS / "cdnow_customers_summary.csv") if MEMBERS.exists() else pytest.skip("no data")
    found = cdnow()
    assert found.height == published.height == 2357
    assert found["frequency"].to_list() == published["frequency"].to_list()
    assert (found["recency"] - published["recency"]).abs().max() < 0.0051
    assert (found["age"] - published["T"]).abs().max() < 0.0051


def test_bg_nbd_published_estimates() -> None:
    """Fader, Hardie and Lee (2005), table 2: r .243, alpha 4.414, a .793, b 2.426."""
    found = fit_orders(cdnow())
    assert (found.r, found.alpha, found.a, found.b) == pytest.approx((0.243, 4.414, 0.793, 2.426), abs=0.01)


def test_gamma_gamma_published_estimates() -> None:
    """Fader and Hardie (2013), on the same customers: p 6.25, q 3.74, gamma 15.44."""
    path = MEMBERS / "cdnow_customers_summary_with_transactions.csv"
    if not path.exists():
        pytest.skip("the public data sets of ../shared/data are not here")
    published = pl.read_csv(path).rename({"x": "frequency", "zbar": "mean_amount"})
    found = fit_spend(published)
    assert (found.p, found.q, found.gamma) == pytest.approx((6.25, 3.74, 15.44), abs=0.01)


def test_the_published_customer_is_expected_to_come_1_226_times() -> None:
    """Fader, Hardie and Lee's worked example: x 2, recency 30.43, age 38.86, next 39 weeks: 1.226 orders."""
    one = pl.DataFrame({"frequency": [2], "recency": [30.43], "age": [38.86], "mean_amount": [22.35]})
    found = value_customers(one, CDNOW, SpendModel(6.25, 3.74, 15.44), 39)
    assert found["expected_orders"][0] == pytest.approx(1.226, abs=0.001)
    per_order = 6.25 * (15.44 + 2 * 22.35) / (6.25 * 2 + 3.74 - 1)
    assert found["expected_value"][0] == pytest.approx(found["expected_orders"][0] * per_order)


def test_a_long_silence_means_gone_and_one_order_does_not() -> None:
    some = pl.DataFrame(
        {"frequency": [8, 8, 0], "recency": [38.0, 8.0, 0.0], "age": [39.0] * 3, "mean_amount": [1.0] * 3}
    )
    found = value_customers(some, CDNOW, None, 12)
    active, silent, single = found["alive_rate"]
    assert active > 0.9
    assert silent < 0.05
    assert single == 1.0
    assert found["expected_value"].null_count() == 3


def test_orders_of_one_day_are_one_and_later_ones_are_not_read() -> None:
    days = [date(2017, 1, 1), date(2017, 1, 8), date(2017, 1, 8), date(2017, 3, 1)]
    frame = pl.DataFrame({"who": ["a"] * 4, "day": days, "paid": [5.0, 2.0, 3.0, 9.0]})
    assert summarise(frame, "who", "day", "paid", date(2017, 1, 15)).rows() == [("a", 1, 1.0, 2.0, 5.0)]


def test_too_few_who_came_back_are_said_so() -> None:
    nobody = pl.DataFrame({"frequency": [0] * 50, "recency": [0.0] * 50, "age": [9.0] * 50})
    with pytest.raises(UsageError, match="0 customers came back"):
        fit_orders(nobody)
