"""When silence is long, and what is taken up next."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from customers.behaviour import next_categories, popular_categories, quiet_after, score_next

AS_OF = date(2017, 12, 1)


def bought(*rows: tuple[str, str, int]) -> pl.DataFrame:
    """customer, category, days before AS_OF."""
    return pl.DataFrame(
        [(who, what, AS_OF - timedelta(days=ago)) for who, what, ago in rows],
        schema={"customer_id": pl.String, "category": pl.String, "sold_on": pl.Date},
        orient="row",
    )


def test_quiet_after_is_the_ninth_decile_of_a_categorys_own_intervals() -> None:
    steps = [10] * 18 + [40, 50]
    days = np.cumsum([0, *steps])
    milk = [("a", "milk", int(day)) for day in days]
    rare = [("b", "cake", 0), ("b", "cake", 90)]
    found = dict(quiet_after(bought(*milk, *rare)).iter_rows())
    assert found["milk"] == 40
    assert found["cake"] == 40  # of all 21 intervals, because its own one says nothing


def test_with_too_few_intervals_nobody_is_late() -> None:
    assert quiet_after(bought(("a", "milk", 1), ("a", "milk", 5))).is_empty()


def crowd(days_ago: int) -> list[tuple[str, str, int]]:
    """Two kinds of households: bread goes with butter, beer with chips; milk is everybody's."""
    rows = []
    for number in range(60):
        pair = ("bread", "butter") if number % 3 else ("beer", "chips")
        rows += [(f"k{number}", what, days_ago) for what in (*pair, "milk")]
    return rows


def test_what_goes_together_is_proposed_and_what_is_had_is_not() -> None:
    one = bought(*crowd(100), ("x", "beer", 90), ("x", "milk", 90), ("y", "bread", 90), ("y", "milk", 90))
    found = {who: (what, rate) for who, what, rate in next_categories(one).iter_rows()}
    assert found["x"][0] == "chips"
    assert found["y"][0] == "butter"
    assert all(0 <= rate <= 1 for _, rate in found.values())
    popular = dict(popular_categories(one).select("customer_id", "next_category").iter_rows())
    assert popular["x"] in {"bread", "butter"}


def test_a_customer_who_has_everything_is_proposed_nothing() -> None:
    one = bought(("a", "milk", 5), ("a", "bread", 5), ("b", "milk", 5))
    assert next_categories(one)["customer_id"].to_list() == ["b"]


def test_the_score_looks_at_held_out_days_alone() -> None:
    newcomers = [
        (f"n{number}", what, ago) for number in range(10) for what, ago in (("beer", 60), ("milk", 60), ("chips", 3))
    ]
    found = score_next(bought(*crowd(100), *newcomers), AS_OF)
    assert found.customers == 10
    assert found.hit_rate == 1.0
    assert found.popular_hit_rate == 0.0
    assert found.is_better
    nobody = score_next(bought(*crowd(100)), AS_OF)
    assert (nobody.customers, nobody.hit_rate, nobody.is_better) == (0, None, False)
