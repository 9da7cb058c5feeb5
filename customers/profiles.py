"""One row per customer: what they were worth, what they are expected to be, and what they are likely to do next."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date

import polars as pl

from customers.behaviour import NextScore, next_categories, popular_categories, quiet_after, score_next
from customers.history import DAYS_PER_WEEK, MIN_REPEATERS, summarise
from customers.outlook import with_intervals
from customers.value import fit_orders, fit_spend, value_customers

HORIZON_DAYS = 365
HIGH_VALUE_SHARE = 0.1
MOST_AMOUNT = 1e8  # what no one person is expected to spend
MONEY = pl.Decimal(18, 4)
_UNKNOWN = ("alive_rate", "expected_orders", "expected_value")


@dataclass(frozen=True)
class Profiles:
    """`rows`: the contract of customers.profiles; `next_score`: the next category against popularity, held out."""

    rows: pl.DataFrame
    next_score: NextScore


def profile_customers(
    scores: pl.DataFrame, orders: pl.DataFrame, bought: pl.DataFrame, *, as_of: date, horizon_days: int = HORIZON_DAYS
) -> Profiles:
    """Return every customer's profile as of a business date.

    `scores`: customer_id, first_order_on, recency_days, frequency, monetary_amount, segment, favourite_category, one
    row per customer. `orders`: customer_id, ordered_on, net_sales_amount, one row per order. `bought`: customer_id,
    category, sold_on. Where fewer than `MIN_REPEATERS` customers came back, what is expected of anybody is null.
    The next category is that of `next_categories` where it was right more often than popularity in the last days, else
    the most popular one.
    `is_churn_alarm`: silent for longer than nine in ten intervals between purchases of the category bought most.
    """
    valued = _valued(orders, as_of, horizon_days)
    judged = score_next(bought, as_of)
    proposed = next_categories(bought) if judged.is_better else popular_categories(bought)
    rows = (
        scores.join(valued, on="customer_id", how="left")
        .join(quiet_after(bought), left_on="favourite_category", right_on="category", how="left")
        .join(proposed, on="customer_id", how="left")
        .with_columns(
            is_churn_alarm=(pl.col("recency_days") > pl.col("quiet_after_days")).fill_null(False),
            is_high_value=pl.col("expected_value") >= pl.col("expected_value").quantile(1 - HIGH_VALUE_SHARE, "higher"),
            is_one_category=pl.col("customer_id").is_in(_of_one_category(bought).implode()),
        )
        .sort("customer_id")
    )
    return Profiles(
        rows.select(
            "customer_id",
            "recency_days",
            "frequency",
            "expected_orders",
            "alive_rate",
            "segment",
            "next_category",
            "next_category_rate",
            "quiet_after_days",
            "is_churn_alarm",
            pl.col("monetary_amount").cast(MONEY),
            pl.col("expected_orders_low", "expected_orders_high").cast(pl.Int64),
            as_of=pl.lit(as_of),
            cohort_on=pl.col("first_order_on").dt.month_start(),
            expected_value_amount=_money("expected_value"),
            expected_value_low_amount=_money("expected_value_low"),
            expected_value_high_amount=_money("expected_value_high"),
            horizon_days=pl.lit(horizon_days, pl.Int64),
            tags=_tags(rows),
        ),
        judged,
    )


def _valued(orders: pl.DataFrame, as_of: date, horizon_days: int) -> pl.DataFrame:
    # What went back whole is no order that says anything of the next one.
    people = summarise(
        orders.filter(pl.col("net_sales_amount") > 0), "customer_id", "ordered_on", "net_sales_amount", as_of
    )
    weeks = horizon_days / DAYS_PER_WEEK
    columns = [*_UNKNOWN, *(f"expected_{name}_{end}" for name in ("orders", "value") for end in ("low", "high"))]
    if int((people["frequency"] > 0).sum()) < MIN_REPEATERS:
        return people.select("customer_id", *(pl.lit(None, pl.Float64).alias(name) for name in columns))
    model, spend = fit_orders(people), fit_spend(people)
    valued = value_customers(people, model, spend, weeks)
    # A day is one order at most. Where spending has hardly a finite mean (q near 1), no order is taken to be larger
    # than anybody's mean order was. Where the series of expected orders has no value, nothing is expected.
    most = people["mean_amount"].max()
    ends = ("", "_low", "_high")
    orders_of = {end: pl.col(f"expected_orders{end}") for end in ends}
    days = [count.clip(0, horizon_days) for count in orders_of.values()]
    spent = [
        pl.when(count.is_not_null())
        .then(pl.col(f"expected_value{end}").clip(0, count * most))
        .alias(f"expected_value{end}")
        for end, count in orders_of.items()
    ]
    found = with_intervals(valued, model, spend, weeks).fill_nan(None).with_columns(days)
    return found.with_columns(spent).select("customer_id", *columns)


def _of_one_category(bought: pl.DataFrame) -> pl.Series:
    counted = bought.group_by("customer_id").agg(days=pl.col("sold_on").n_unique(), kinds=pl.col("category").n_unique())
    return counted.filter(pl.col("kinds") == 1, pl.col("days") > 1)["customer_id"]


def _money(name: str) -> pl.Expr:
    """Money, or null where a model that does not fit expects more than any amount may be."""
    return pl.when(pl.col(name).abs() < MOST_AMOUNT).then(pl.col(name)).round(4).cast(MONEY).alias(name)


def _tags(rows: pl.DataFrame) -> pl.Series:
    marks = {"churn_alarm": "is_churn_alarm", "high_value": "is_high_value", "one_category": "is_one_category"}
    found = rows.select(marks.values()).iter_rows()
    return pl.Series(
        [json.dumps([tag for tag, has in zip(marks, flags, strict=True) if has]) for flags in found], dtype=pl.String
    )
