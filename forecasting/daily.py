"""Daily demand by sku × channel × location, as it lands in `forecasting.history` and as weeks are corrected by it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.grid import RHYTHMS, Floats, bucket_index, codes, matrix
from forecasting.history import unconstrained

KEYS = ("sku", "channel_id", "location_id")
SERIES = ("sku", "channel_id")
CENSORED, BULK = "censored", "bulk"
# A shelf that stayed empty for longer is off the range: nobody waits for it.
MAX_EMPTY_DAYS = 56
# Series are filled so many cells at a time (the stores of one SKU and channel together), which bounds memory.
BLOCK_CELLS = 2_000_000

HISTORY_SCHEMA: dict[str, type[pl.DataType]] = {
    **dict.fromkeys(KEYS, pl.String),
    "on": pl.Date,
    "units": pl.Float64,
    "unconstrained_units": pl.Float64,
    "method": pl.String,
}


def demand_history(days: pl.DataFrame) -> pl.DataFrame:
    """Rows of `forecasting.history` (without run_id, with `units` as recorded): days whose demand is not what was sold.

    `days` (`int_demand_recorded`): sku, channel_id, location_id, demand_on, units, bulk_units, is_in_stock; a day
    without a row after the first sale at a place sold nothing. Bulk orders are set apart (`bulk`). A day with an empty
    shelf holds what is expected of demand there (`censored`): by `history.unconstrained`, the stores of a SKU in a
    channel speaking for one another, from that day and those before it. A shelf is not filled before its first sale,
    nor after `MAX_EMPTY_DAYS` days on end.
    """
    if days.is_empty():
        return pl.DataFrame(schema=HISTORY_SCHEMA)
    first_on: date = days["demand_on"].min()  # type: ignore[assignment]
    last_on: date = days["demand_on"].max()  # type: ignore[assignment]
    length = (last_on - first_on).days + 1
    parts = [_filled(block, first_on, length) for block in _blocks(days.sort(*KEYS, "demand_on"), length)]
    return pl.concat(parts).sort(*KEYS, "on")


def unconstrained_weeks(weeks: pl.DataFrame, history: pl.DataFrame) -> pl.DataFrame:
    """`int_demand_weekly` with `units` as history says they would have been; `history` as from `demand_history`."""
    missed = (
        history.group_by(*SERIES, pl.col("on").dt.truncate("1w").alias("week_on"))
        .agg((pl.col("unconstrained_units") - pl.col("units")).sort_by("location_id", "on").sum().alias("missed"))
        .with_columns(pl.lit("*").alias("location_id"))
    )
    return (
        weeks.join(missed, on=[*KEYS, "week_on"], how="left", maintain_order="left")
        .with_columns((pl.col("units").cast(pl.Float64) + pl.col("missed").fill_null(0.0)).clip(lower_bound=0.0))
        .drop("missed")
    )


def _blocks(days: pl.DataFrame, length: int) -> Iterator[pl.DataFrame]:
    """The days of some SKUs and channels at a time, none of them parted."""
    sizes = days.group_by(SERIES, maintain_order=True).agg(
        pl.col("location_id").n_unique().alias("places"), pl.len().alias("rows")
    )
    block = (sizes["places"].cum_sum() * length) // BLOCK_CELLS
    start = 0
    for (_,), part in sizes.group_by(block.alias("block"), maintain_order=True):
        rows = int(part["rows"].sum())
        yield days.slice(start, rows)
        start += rows


def _filled(days: pl.DataFrame, first_on: date, length: int) -> pl.DataFrame:
    keys = days.select(KEYS).unique().sort(KEYS)
    indexed = days.join(keys.with_row_index("row"), on=KEYS).with_columns(
        bucket_index(pl.col("demand_on"), first_on, "D").alias("column"),
        pl.col("units", "bulk_units").cast(pl.Float64),
    )
    place = (keys.height, length, indexed["row"], indexed["column"])
    base = matrix(*place, indexed["units"] - indexed["bulk_units"], 0.0)
    is_empty = matrix(*place, (~indexed["is_in_stock"]).cast(pl.Float64), 0.0) > 0
    begun = np.maximum.accumulate(base > 0, axis=1)
    is_censored = is_empty & begun & (_run_lengths(is_empty) <= MAX_EMPTY_DAYS)
    observed = np.where(begun & (is_censored | ~is_empty), base, np.nan)
    rhythm = RHYTHMS["D"]
    found = unconstrained(observed, is_censored, _groups(keys), rhythm.short_season, rhythm.windows[1])
    cells = indexed["row"].to_numpy(), indexed["column"].to_numpy()
    return (
        indexed.with_columns(
            pl.Series("filled", np.round(found[cells], 3)),
            pl.Series("is_censored", is_censored[cells]),
        )
        .with_columns(
            pl.when("is_censored").then("filled").otherwise(pl.col("units") - pl.col("bulk_units")).alias("wanted"),
            pl.when("is_censored").then(pl.lit(CENSORED)).otherwise(pl.lit(BULK)).alias("method"),
        )
        .filter(pl.col("wanted") != pl.col("units"))
        .select(
            *KEYS, pl.col("demand_on").alias("on"), "units", pl.col("wanted").alias("unconstrained_units"), "method"
        )
    )


def _groups(keys: pl.DataFrame) -> NDArray[np.int64]:
    return codes(keys.select(pl.concat_str(SERIES, separator="\x1f")).to_series())


def _run_lengths(is_on: NDArray[np.bool_]) -> Floats:
    """How many cells in a row have been on, up to and with each cell."""
    step = np.arange(1, is_on.shape[1] + 1)
    last_off = np.maximum.accumulate(np.where(is_on, 0, step), axis=1)
    return np.asarray((step - last_off) * is_on, dtype=np.float64)
