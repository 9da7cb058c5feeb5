"""Stock in the stores: what was delivered, what was counted, and when the shelf was truly empty.

All of it is made around the till's receipts, which stay as they are. Stock is known for the fast store × SKU pairs
alone. It is laid so that it runs out exactly where a natural gap in a fast pair's sales begins, and the next delivery
ends the gap: on every day of such a gap nothing was on hand, nothing came in and nothing was sold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from demo import days, draws

KNOWN_FROM_LINES = 12  # a pair's receipt lines in the year from which its stock is kept
GAP_SALES = 3.5  # sales a gap would have seen at the pair's usual rate to count as "fast"
GAP_DAYS = (3, 21)
GAP_SHARE = 0.6  # of such gaps that are stock-outs; the others are chance
SHRINK_SHARE = 0.0008  # of pair × Monday counts that find a unit missing

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class StoreStock:
    """What happened on the shelves: frames by store_id, product_id, day (since `days.DAY_ZERO`)."""

    pairs: pl.DataFrame  # store_id, product_id
    deliveries: pl.DataFrame  # ... units (> 0), from day 1 on
    shrink: pl.DataFrame  # ... units (< 0), found by counts
    counts: pl.DataFrame  # ... units on hand at the close of each Monday
    closing: pl.DataFrame  # ... units on hand at the close of every day (truth)
    stock_outs: pl.DataFrame  # ... every day the shelf was empty from open to close (truth)


def _matrix(pairs: pl.DataFrame, rows: pl.DataFrame) -> Ints:
    """Units by pair (row) and day (column) of `rows` (store_id, product_id, day, units)."""
    placed = rows.join(pairs.with_row_index("pair"), on=["store_id", "product_id"])
    matrix = np.zeros((pairs.height, days.DAYS), dtype=np.int64)
    np.add.at(matrix, (placed["pair"].to_numpy(), placed["day"].to_numpy()), placed["units"].cast(pl.Int64).to_numpy())
    return matrix


def _frame(pairs: pl.DataFrame, matrix: Ints, keep: Flags) -> pl.DataFrame:
    """The kept cells of a pair × day matrix as rows: store_id, product_id, day, units."""
    pair, day = np.nonzero(keep)
    return pl.DataFrame(
        {
            "store_id": pairs["store_id"].gather(pl.Series(pair)),
            "product_id": pairs["product_id"].gather(pl.Series(pair)),
            "day": pl.Series(day, dtype=pl.Int32),
            "units": pl.Series(matrix[pair, day], dtype=pl.Int64),
        }
    )


def _gaps(pairs: pl.DataFrame, used: Ints, touched: Ints, seed: int) -> Flags:
    """Days of the gaps that are stock-outs: between two touched days, of pairs fast enough to notice."""
    pair, day = np.nonzero(touched)
    same = pair[1:] == pair[:-1]
    length = np.where(same, day[1:] - day[:-1] - 1, 0)
    rate = used.sum(axis=1) / (days.DAYS - 6)
    fast = (length >= GAP_DAYS[0]) & (length <= GAP_DAYS[1]) & (length * rate[pair[1:]] >= GAP_SALES)
    at = np.nonzero(fast)[0]
    owner, first = pair[at], day[at] + 1
    chosen = draws.uniform(
        seed,
        "stock-out",
        pairs["store_id"].gather(pl.Series(owner)),
        pairs["product_id"].gather(pl.Series(owner)),
        pl.Series(first),
    )
    edges = np.zeros((pairs.height, days.DAYS + 1), dtype=np.int64)
    for index in at[chosen < GAP_SHARE]:
        edges[pair[index], day[index] + 1] += 1
        edges[pair[index], day[index] + 1 + length[index]] -= 1
    return np.asarray(edges.cumsum(axis=1)[:, :-1] > 0)


def _delivered(stores: Ints, used: Ints, empty: Flags) -> Ints:
    """Cumulative units brought to each pair by the close of each day; day 0 holds the opening stock.

    Every delivery brings the stock to what sells until the next one and a reserve, but never more than what sells
    before the next stock-out. Within that bound no day closes below zero.
    """
    pairs, width = used.shape
    sold = used.cumsum(axis=1)
    reserve = 1 + np.ceil(sold[:, -1] / width * 3).astype(np.int64)
    # Two delivery days a week per store: Monday and Thursday, Tuesday and Friday, Wednesday and Saturday.
    weekday = np.arange(width) % 7
    visits = (weekday[None, :] - stores[:, None] % 3) % 3 == 0
    visits &= weekday[None, :] != 6
    starts = np.zeros_like(empty)
    starts[:, 1:] = empty[:, :-1] & ~empty[:, 1:]
    visits = (visits & ~empty) | starts
    visits[:, 0] = True
    target = np.zeros_like(used)
    until = sold[:, -1].copy()  # sales up to the eve of the next visit
    bound = np.full(pairs, np.iinfo(np.int64).max)  # sales up to the next stock-out
    for day in range(width - 1, -1, -1):
        bound = np.where(empty[:, day], sold[:, day], bound)
        target[:, day] = np.where(visits[:, day], np.minimum(until + reserve, bound), 0)
        if day:
            until = np.where(visits[:, day], sold[:, day - 1], until)
    return np.asarray(np.maximum.accumulate(target, axis=1))


def store_stock(till: pl.DataFrame, seed: int) -> StoreStock:
    """The stock of the fast pairs from till lines (store_id, product_id, day, quantity as integers)."""
    pairs = (
        till.group_by("store_id", "product_id")
        .len()
        .filter(pl.col("len") >= KNOWN_FROM_LINES)
        .select("store_id", "product_id")
        .sort("store_id", "product_id")
    )
    sales = _matrix(pairs, till.select("store_id", "product_id", "day", units="quantity"))
    mondays = np.arange(7, days.DAYS, 7)
    cells = pairs.join(pl.DataFrame({"day": mondays.astype(np.int32)}), how="cross")
    found = cells.filter(
        draws.column(seed, "shrink", cells["store_id"], cells["product_id"], cells["day"]) < SHRINK_SHARE
    )
    lost = _matrix(pairs, found.with_columns(units=pl.lit(1)))
    used = sales + lost
    # A receipt line of no units (the package has some) is no gap either.
    touched = used + _matrix(pairs, till.select("store_id", "product_id", "day", units=pl.lit(1)))
    empty = _gaps(pairs, used, touched, seed)
    brought = _delivered(pairs["store_id"].to_numpy(), used, empty)
    closing = brought - used.cumsum(axis=1)
    delivered = np.diff(brought, axis=1, prepend=brought[:, :1])
    counted = np.zeros_like(empty)
    counted[:, ::7] = True
    return StoreStock(
        pairs=pairs,
        deliveries=_frame(pairs, delivered, delivered > 0),
        shrink=_frame(pairs, -lost, lost > 0),
        counts=_frame(pairs, closing, counted),
        closing=_frame(pairs, closing, np.ones_like(empty)),
        stock_outs=_frame(pairs, closing, empty).drop("units"),
    )


def other_deliveries(till: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Weekly deliveries to the pairs whose stock nobody keeps: a week's sales arrive on its Monday (the first week's on
    its Tuesday, after the opening count). Columns: store_id, product_id, day, units."""
    return (
        till.join(pairs, on=["store_id", "product_id"], how="anti")
        .group_by("store_id", "product_id", day=(pl.col("day") // 7 * 7).clip(1))
        .agg(units=pl.col("quantity").sum())
        .filter(pl.col("units") > 0)
        .sort("day", "store_id", "product_id")
    )
