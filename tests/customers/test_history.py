"""What customers did is told in the published numbers; parameters are sought where there is something to see."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from benchmarks import cdnow
from customers import history
from customers.history import history_of, summarise
from tests.customers import needs
from tillmill.errors import UsageError


@needs.cdnow
def test_the_summary_is_the_published_one() -> None:
    """The authors' own summary of the same file: repeats, weeks of recency and age to two digits."""
    published = pl.read_csv(cdnow.MEMBERS / "cdnow_customers_summary.csv")
    found = cdnow.people()
    assert found.height == published.height == 2357
    assert found["frequency"].to_list() == published["frequency"].to_list()
    assert (found["recency"] - published["recency"]).abs().max() < 0.0051
    assert (found["age"] - published["T"]).abs().max() < 0.0051


def test_orders_of_one_day_are_one_and_later_ones_are_not_read() -> None:
    days = [date(2017, 1, 1), date(2017, 1, 8), date(2017, 1, 8), date(2017, 3, 1)]
    frame = pl.DataFrame({"who": ["a"] * 4, "day": days, "paid": [5.0, 2.0, 3.0, 9.0]})
    assert summarise(frame, "who", "day", "paid", date(2017, 1, 15)).rows() == [("a", 1, 1.0, 2.0, 5.0, 5.0)]


@needs.cdnow
def test_the_size_of_the_first_order_knows_no_currency() -> None:
    people = cdnow.people()
    dearer = people.with_columns(pl.col("first_amount") * 7.2)
    assert history_of(dearer).size == pytest.approx(history_of(people).size)
    assert history_of(people.drop("first_amount")).size.any() == np.False_
    assert history_of(people.with_columns(first_amount=pl.lit(None, pl.Float64))).size.any() == np.False_


def test_too_few_who_came_back_are_said_so() -> None:
    nobody = pl.DataFrame({"frequency": [0] * 50, "recency": [0.0] * 50, "age": [9.0] * 50})
    with pytest.raises(UsageError, match="0 customers came back"):
        history.read_for_fit(history_of(nobody))


def test_of_many_customers_some_from_everywhere_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST_READ", 3)
    many = pl.DataFrame({"frequency": list(range(21)), "recency": [1.0] * 21, "age": [9.0] * 21})
    assert history.read_for_fit(history_of(many)).x.tolist() == [0, 10, 20]
