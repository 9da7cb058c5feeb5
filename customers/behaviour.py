"""What customers do: how long they stay away, and which category they are likeliest to take up next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

QUIET_SHARE = 0.9
MIN_INTERVALS = 20  # fewer intervals between purchases of a category say nothing of its pace
HELD_OUT_DAYS = 28
# A pair of categories is believed as much as this many customers with the share of everybody would be.
PRIOR_CUSTOMERS = 5.0


def quiet_after(bought: pl.DataFrame) -> pl.DataFrame:
    """Return category, quiet_after_days: the ninth decile of the days between two purchases of one customer.

    `bought`: one row per customer_id, category and day (`sold_on`). A category with fewer than `MIN_INTERVALS`
    intervals takes the ninth decile of all categories together; with too few in all, there is no row.
    """
    gaps = (
        bought.unique(["customer_id", "category", "sold_on"])
        .sort("customer_id", "category", "sold_on")
        .with_columns(days=pl.col("sold_on").diff().over("customer_id", "category").dt.total_days())
        .filter(pl.col("days").is_not_null())
    )
    if gaps.height < MIN_INTERVALS:
        return pl.DataFrame(schema={"category": pl.String, "quiet_after_days": pl.Int64})
    ninth = pl.col("days").quantile(QUIET_SHARE, "higher").cast(pl.Int64)
    overall = gaps.select(ninth).item()
    own = gaps.group_by("category").agg(count=pl.len(), own=ninth)
    return (
        bought.select("category")
        .unique()
        .join(own, on="category", how="left")
        .select("category", quiet_after_days=pl.when(pl.col("count") >= MIN_INTERVALS).then("own").otherwise(overall))
        .sort("category")
    )


def next_categories(bought: pl.DataFrame) -> pl.DataFrame:
    """Return customer_id, next_category, next_category_rate: the category not bought yet that fits best.

    `bought`: as for `quiet_after`. The score of a category is the largest, over the categories a customer has bought,
    share of that category's customers who bought the other one too (an association rule's confidence), each share drawn
    towards the share of everybody by `PRIOR_CUSTOMERS`. A customer who has bought everything has no row.
    """
    baskets = bought.select("customer_id", "category").unique()
    return _best(_scores(baskets, _confidence(baskets)))


def popular_categories(bought: pl.DataFrame) -> pl.DataFrame:
    """Return the same columns by popularity alone: the category most customers buy of those a customer has not."""
    baskets = bought.select("customer_id", "category").unique()
    everybody = baskets["customer_id"].n_unique()
    shares = baskets.group_by("category").agg(score=pl.len() / everybody)
    return _best(_untried(baskets).join(shares, on="category"))


@dataclass(frozen=True)
class NextScore:
    """How often the one category proposed was the one taken up, of `customers` who took up any in the held-out days."""

    customers: int
    hit_rate: float | None
    popular_hit_rate: float | None

    @property
    def is_better(self) -> bool:
        """Whether what goes together says more than what is popular."""
        return self.hit_rate is not None and self.popular_hit_rate is not None and self.hit_rate > self.popular_hit_rate


def score_next(bought: pl.DataFrame, as_of: date) -> NextScore:
    """Judge `next_categories` against popularity on the last `HELD_OUT_DAYS` days, learning from what came before."""
    cut = as_of - timedelta(days=HELD_OUT_DAYS)
    before = bought.filter(pl.col("sold_on") < cut)
    taken_up = (
        bought.filter(pl.col("sold_on") >= cut)
        .select("customer_id", "category")
        .unique()
        .join(before.select("customer_id").unique(), on="customer_id", how="semi")
        .join(before, on=["customer_id", "category"], how="anti")
    )
    who = taken_up.select("customer_id").unique()
    if who.is_empty():
        return NextScore(0, None, None)

    def hits(proposed: pl.DataFrame) -> float:
        right = proposed.join(
            taken_up, left_on=["customer_id", "next_category"], right_on=["customer_id", "category"], how="semi"
        )
        return right.height / who.height

    return NextScore(who.height, hits(next_categories(before)), hits(popular_categories(before)))


def _confidence(baskets: pl.DataFrame) -> pl.DataFrame:
    """category, other, share: of the customers with `category`, how many have `other`."""
    everybody = baskets["customer_id"].n_unique()
    sizes = baskets.group_by("category").agg(size=pl.len())
    pairs = (
        baskets.join(baskets.rename({"category": "other"}), on="customer_id")
        .filter(pl.col("category") != pl.col("other"))
        .group_by("category", "other")
        .agg(both=pl.len())
    )
    return (
        sizes.join(sizes.rename({"category": "other", "size": "other_size"}), how="cross")
        .filter(pl.col("category") != pl.col("other"))
        .join(pairs, on=["category", "other"], how="left")
        .select(
            "category",
            "other",
            share=(pl.col("both").fill_null(0) + PRIOR_CUSTOMERS * pl.col("other_size") / everybody)
            / (pl.col("size") + PRIOR_CUSTOMERS),
        )
    )


def _scores(baskets: pl.DataFrame, confidence: pl.DataFrame) -> pl.DataFrame:
    scored = (
        baskets.join(confidence, on="category")
        .group_by("customer_id", category="other")
        .agg(score=pl.col("share").max())
    )
    return scored.join(baskets, on=["customer_id", "category"], how="anti")


def _untried(baskets: pl.DataFrame) -> pl.DataFrame:
    everything = baskets.select("customer_id").unique().join(baskets.select("category").unique(), how="cross")
    return everything.join(baskets, on=["customer_id", "category"], how="anti")


def _best(scored: pl.DataFrame) -> pl.DataFrame:
    # Ties by name: the proposal must not hang on the order of rows.
    return (
        scored.sort("customer_id", "score", "category", descending=[False, True, False])
        .unique("customer_id", keep="first", maintain_order=True)
        .select("customer_id", next_category="category", next_category_rate=pl.col("score").clip(0, 1))
    )
