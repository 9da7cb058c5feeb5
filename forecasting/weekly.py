"""Weekly demand by sku × channel × location, as it lands in `forecasting.demand`."""

from __future__ import annotations

import json
from datetime import date, timedelta

import numpy as np
import polars as pl

from forecasting.engine import Outcome, forecast_grid
from forecasting.grid import QUANTILE_COLUMNS, Floats, Grid, Part, bucket_index, carried, codes, matrix, part_of
from forecasting.signals import signals_in
from tillmill.errors import UsageError

KEYS = ("sku", "channel_id", "location_id")
PARTS = ("base", "season", "price", "promotion", "festival", "other")
PLAN = ("price_amount", "promoted_share_rate")
NEEDED = (*KEYS, "week_on", "units")
MIN_IN_STOCK_RATE = 0.5
RETIRED = "retired"

DEMAND_SCHEMA: dict[str, type[pl.DataType]] = {
    **dict.fromkeys(KEYS, pl.String),
    "freq": pl.String,
    "bucket_on": pl.Date,
    "mean": pl.Float64,
    **dict.fromkeys(QUANTILE_COLUMNS, pl.Float64),
    "parts": pl.String,
    "method": pl.String,
    "cutoff_on": pl.Date,
}


def forecast_demand(
    history: pl.DataFrame, *, horizon_weeks: int, cutoff_on: date, future: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Rows of `forecasting.demand` (without run_id): one per sku × channel × location × week after `cutoff_on`.

    `history`: sku, channel_id, location_id, week_on (Monday), units (as they were wanted:
    `daily.unconstrained_weeks`), and where known price_amount, promoted_share_rate, in_stock_rate (0..1) and signals
    (`signals.with_signals`); text columns beside them (category, brand) tell which series are alike.
    `future`: the same keys and week_on with any of price_amount, promoted_share_rate, is_holiday or other planned
    numbers that `history` has too. Weeks that end after `cutoff_on` are not looked at.
    Out: mean and quantiles in units of one week, Monday `bucket_on`; `parts` is JSON of base, season, price,
    promotion, festival and other, which sum to the mean; parts that nothing planned explains are zero. Where `history`
    has the date retired_on of a series, its weeks that begin after it are zero (`retired`).
    Raises UsageError for missing columns, duplicated rows or a week that is no Monday.
    """
    check_weekly(history)
    known = history.filter(pl.col("week_on") <= cutoff_on - timedelta(days=6))
    if known.is_empty() or horizon_weeks < 1:
        return pl.DataFrame(schema=DEMAND_SCHEMA)
    grid = weekly_grid(known, horizon_weeks=horizon_weeks, through_on=cutoff_on, future=future)
    return without_retired(demand_rows(grid, forecast_grid(grid, horizon_weeks, fast=True), cutoff_on), history)


def weekly_grid(
    history: pl.DataFrame, *, horizon_weeks: int, through_on: date, future: pl.DataFrame | None = None
) -> Grid:
    """The weekly history as a grid whose last bucket is the last whole week by `through_on`.

    A week without a row after a series' first is zero where other series have rows, unobserved where none has. A week
    less than half of which had stock says nothing about demand: what is expected of it is no evidence.
    """
    keys = history.select(KEYS).unique().sort(KEYS)
    first_on: date = history["week_on"].min()  # type: ignore[assignment]
    last_monday = through_on - timedelta(days=(through_on.weekday() + 1) % 7 + 6)
    length = max(1, (last_monday - first_on).days // 7 + 1)
    indexed = _indexed(history, keys, first_on)
    rows, columns = indexed["row"], indexed["column"]
    units = matrix(keys.height, length, rows, columns, indexed["units"], np.nan)
    alive = np.maximum.accumulate(~np.isnan(units), axis=1)
    open_weeks = (~np.isnan(units)).any(axis=0)
    units = np.where(np.isnan(units) & alive & open_weeks, 0.0, np.maximum(units, 0.0))
    if "in_stock_rate" in history.columns:
        rate = matrix(keys.height, length, rows, columns, indexed["in_stock_rate"].fill_null(1.0), 1.0)
        rate = np.where(np.isnan(rate), 1.0, rate)
        units = np.where(rate < MIN_IN_STOCK_RATE, np.nan, units)
    past = {
        name: carried(matrix(keys.height, length, rows, columns, indexed[name], np.nan))
        for name in PLAN
        if name in history.columns
    }
    # What was last heard of a signal says nothing of the weeks in which it was silent.
    past |= {
        name: matrix(keys.height, length, rows, columns, indexed[name], np.nan) for name in signals_in(history.columns)
    }
    known, parts, reach = _known(indexed, future, keys, first_on, length, horizon_weeks)
    return Grid(
        keys=keys,
        freq="W",
        first_on=first_on,
        values=units,
        ahead=horizon_weeks,
        static=_static(history, keys),
        known=known,
        known_part=parts,
        past={name: values for name, values in past.items() if name not in known},
        reach=reach,
    )


def demand_rows(grid: Grid, outcome: Outcome, cutoff_on: date) -> pl.DataFrame:
    """An outcome of the engine as rows of `forecasting.demand`, series by series in key order."""
    count, horizon = outcome.mean.shape
    weeks = [grid.bucket_on(grid.length + step) for step in range(horizon)]
    told = {name: np.round(outcome.parts.get(name, np.zeros_like(outcome.mean)), 6).ravel() for name in PARTS[1:]}
    parts = {"base": outcome.mean.ravel() - sum(told.values(), np.zeros(outcome.mean.size)), **told}
    texts = [
        json.dumps(dict(zip(PARTS, row, strict=True)))
        for row in zip(*(values.tolist() for values in parts.values()), strict=True)
    ]
    repeated = grid.keys[np.repeat(np.arange(count), horizon)]
    return repeated.with_columns(
        pl.lit("W").alias("freq"),
        pl.Series("bucket_on", weeks * count, dtype=pl.Date),
        pl.Series("mean", outcome.mean.ravel()),
        *(pl.Series(name, outcome.quantiles[:, :, index].ravel()) for index, name in enumerate(QUANTILE_COLUMNS)),
        pl.Series("parts", texts, dtype=pl.String),
        pl.Series("method", np.repeat(outcome.method, horizon).tolist(), dtype=pl.String),
        pl.lit(cutoff_on).alias("cutoff_on"),
    ).select(list(DEMAND_SCHEMA))


def without_retired(demand: pl.DataFrame, history: pl.DataFrame) -> pl.DataFrame:
    """The rows of `demand`; those of weeks that begin after a series' last retired_on in `history` are zero."""
    if "retired_on" not in history.columns:
        return demand
    ends = history.group_by(KEYS).agg(pl.col("retired_on").max())
    is_over = (pl.col("bucket_on") > pl.col("retired_on")).fill_null(value=False)
    nothing = json.dumps(dict.fromkeys(PARTS, 0.0))
    return (
        demand.join(ends, on=KEYS, how="left", maintain_order="left")
        .with_columns(
            *(pl.when(is_over).then(0.0).otherwise(name).alias(name) for name in ("mean", *QUANTILE_COLUMNS)),
            pl.when(is_over).then(pl.lit(nothing)).otherwise("parts").alias("parts"),
            pl.when(is_over).then(pl.lit(RETIRED)).otherwise("method").alias("method"),
        )
        .drop("retired_on")
    )


def check_weekly(history: pl.DataFrame) -> None:
    """Raises UsageError where weekly history cannot be used, naming column and row."""
    missing = [name for name in NEEDED if name not in history.columns]
    if missing:
        raise UsageError(f"weekly history lacks the column {', '.join(missing)}")
    numbered = history.with_row_index("row", offset=1)
    for name in NEEDED:
        empty = numbered.filter(pl.col(name).is_null())
        if not empty.is_empty():
            raise UsageError(f"weekly history, row {empty['row'][0]}: {name} is empty")
    off_day = numbered.filter(pl.col("week_on").dt.weekday() != 1)
    if not off_day.is_empty():
        raise UsageError(f"weekly history, row {off_day['row'][0]}: week_on {off_day['week_on'][0]} is not a Monday")
    doubled = numbered.filter(pl.struct(*KEYS, "week_on").is_duplicated())
    if not doubled.is_empty():
        first = doubled.row(0, named=True)
        where = " × ".join(str(first[name]) for name in KEYS)
        raise UsageError(f"weekly history, row {first['row']}: {where} has more than one row for {first['week_on']}")


def _indexed(frame: pl.DataFrame, keys: pl.DataFrame, first_on: date) -> pl.DataFrame:
    return frame.join(keys.with_row_index("row"), on=KEYS, how="inner").with_columns(
        bucket_index(pl.col("week_on"), first_on, "W").alias("column")
    )


def _known(
    indexed: pl.DataFrame, future: pl.DataFrame | None, keys: pl.DataFrame, first_on: date, length: int, ahead: int
) -> tuple[dict[str, Floats], dict[str, Part], dict[str, int]]:
    """Planned columns over history and future, their parts, and how many weeks ahead each is planned.

    A week without a plan keeps the last known figure of a price, else 0. A column that is null in all weeks from one on
    is planned to the week before it, by which it is treated at every origin; one not planned at all is not here.
    """
    if future is None or future.is_empty():
        return {}, {}, {}
    planned = _indexed(future, keys, first_on)
    known: dict[str, Floats] = {}
    parts: dict[str, Part] = {}
    reach: dict[str, int] = {}
    for name in future.columns:
        if name in (*NEEDED, "in_stock_rate") or name not in indexed.columns:
            continue
        if not (future.schema[name].is_numeric() or future.schema[name] == pl.Boolean):
            continue
        whole = pl.concat(
            [
                indexed.filter(pl.col("column") < length).select("row", "column", pl.col(name).cast(pl.Float64)),
                planned.filter(pl.col("column") >= length).select("row", "column", pl.col(name).cast(pl.Float64)),
            ]
        )
        values = matrix(keys.height, length + ahead, whole["row"], whole["column"], whole[name], np.nan)
        told = np.flatnonzero((~np.isnan(values[:, length:])).any(axis=0))
        if not told.size:
            continue
        reach[name], parts[name] = int(told[-1]) + 1, part_of(name)
        known[name] = carried(values) if parts[name] == "price" else np.nan_to_num(values)
    return known, parts, reach


def _static(history: pl.DataFrame, keys: pl.DataFrame) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.int64]]]:
    texts = [name for name, kind in history.schema.items() if kind == pl.String and name not in KEYS]
    told = keys.join(history.group_by(KEYS).agg(pl.col(texts).first()), on=KEYS, how="left").sort(KEYS)
    return {name: codes(told[name]) for name in ("channel_id", *texts, "sku")}
