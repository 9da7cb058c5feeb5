"""The engine on anybody's panel: `unique_id, ds, y` in, means and quantiles out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from forecasting import checks
from forecasting.engine import Outcome, forecast_grid
from forecasting.grid import (
    QUANTILE_COLUMNS,
    RHYTHMS,
    Floats,
    Frequency,
    Grid,
    Part,
    bucket_index,
    carried,
    codes,
    matrix,
    part_of,
)
from forecasting.hierarchy import BOTTOM, aggregate, check_hierarchy
from forecasting.history import uncensored
from forecasting.launch import Launched, as_launched, with_launches
from forecasting.trials import EachBlock, in_turn
from tillmill.errors import UsageError


@dataclass(frozen=True)
class PanelForecast:
    """The forecast's rows, and a note on every series that was refused or not plain."""

    forecast: pl.DataFrame
    notes: pl.DataFrame


def forecast_panel(
    history: pl.DataFrame,
    *,
    horizon: int,
    freq: str = "D",
    future: pl.DataFrame | None = None,
    hierarchy: Sequence[str] | None = None,
    in_stock: str | None = None,
    fast: bool = False,
    engine: str = "local",
) -> pl.DataFrame:
    """Rows unique_id, ds, mean, q05 … q95, method for the `horizon` buckets after the panel's last date.

    `history`: unique_id, ds, y and further columns: constant within each series = static; present in `future` too =
    known ahead; others = known until now. Where the column `in_stock` is false, y is what was sold until the shelf was
    empty: at least that much was wanted (`history.unconstrained`).
    With `hierarchy` (static columns, outermost first) every aggregate is a row too: `level` (total, state,
    state/store …, unique_id) and `node`, its means exactly the sums of the series'; `unique_id` is null there.
    `engine`: local (this process) or spark, which goes through the blocks of series elsewhere, with the same results.
    Raises UsageError for a file that cannot be used (column and row named); a series that cannot be used is left
    out, and `forecast_with_notes` says why.
    """
    return forecast_with_notes(
        history,
        horizon=horizon,
        freq=freq,
        future=future,
        hierarchy=hierarchy,
        in_stock=in_stock,
        fast=fast,
        engine=engine,
    ).forecast


def forecast_with_notes(
    history: pl.DataFrame,
    *,
    horizon: int,
    freq: str = "D",
    future: pl.DataFrame | None = None,
    hierarchy: Sequence[str] | None = None,
    in_stock: str | None = None,
    fast: bool = False,
    engine: str = "local",
) -> PanelForecast:
    """As `forecast_panel`, with notes: unique_id, note, is_refused."""
    if horizon < 1:
        raise UsageError(f"the horizon is {horizon}; it must be 1 or more")
    rhythm = frequency(freq)
    each_block = blocks_by(engine)
    panel = checks.readable(history, "history", checks.NEEDED)
    if panel.is_empty():
        raise UsageError("history has no rows")
    sold = None
    if in_stock is not None:
        panel, sold = _observable(panel, in_stock)
    kept, notes = checks.inspect(panel, rhythm)
    if kept.is_empty():
        raise UsageError(f"no series can be used; the first: {notes['unique_id'][0]}: {notes['note'][0]}")
    plan = None if future is None else checks.readable(future, "future", ("unique_id", "ds"))
    # What was refused stays refused: it has a history, and something is wrong with it.
    plan = None if plan is None else plan.join(notes.filter("is_refused"), on="unique_id", how="anti")
    grid, static, plan_notes = panel_grid(kept, horizon=horizon, freq=rhythm, future=plan)
    if sold is not None:
        cells = _indexed(sold, grid.keys, grid.first_on, grid.freq)
        grid = uncensored(
            grid, matrix(grid.count, grid.length, cells["row"], cells["column"], cells["sold"], float("nan"))
        )
    if hierarchy:
        check_hierarchy(static, hierarchy)
    newcomers = np.flatnonzero(~grid.keys["unique_id"].is_in(kept["unique_id"].implode()).to_numpy())
    if newcomers.size and (np.nan_to_num(grid.values) > 0).any():
        launched = with_launches(grid, newcomers, horizon)
        grid = launched.grid
        outcome = as_launched(forecast_grid(grid, horizon, fast=fast, each_block=each_block), launched)
        plan_notes = pl.concat([plan_notes, _launch_notes(launched)])
    else:
        outcome = forecast_grid(grid, horizon, fast=fast, each_block=each_block)
    rows = _series_rows(grid, outcome)
    if hierarchy:
        rows = _with_aggregates(rows, grid, outcome, static, hierarchy)
    return PanelForecast(rows, pl.concat([notes, plan_notes]).sort("unique_id", "note"))


def frequency(name: str) -> Frequency:
    """One of D (days), W (weeks) and MS (months, by their first day); raises UsageError for any other word."""
    for known in RHYTHMS:
        if name == known:
            return known
    raise UsageError(f"the frequency {name} is not one of {', '.join(RHYTHMS)}")


def blocks_by(engine: str) -> EachBlock:
    """Where blocks of series are worked on: local or spark; raises UsageError for any other word or without Spark."""
    if engine == "local":
        return in_turn
    if engine != "spark":
        raise UsageError(f"the engine {engine} is neither local nor spark")
    from forecasting import spark

    spark.check()
    return spark.each_block


def panel_grid(
    kept: pl.DataFrame, *, horizon: int, freq: Frequency, future: pl.DataFrame | None
) -> tuple[Grid, pl.DataFrame, pl.DataFrame]:
    """The panel as a grid, its static columns (one row per unique_id, sorted), and notes on missing plan rows.

    A series that only `future` has is one of the grid's, with nothing observed.
    """
    first_on: date = kept["ds"].min()  # type: ignore[assignment]
    last_on: date = kept["ds"].max()  # type: ignore[assignment]
    length = int(pl.select(bucket_index(pl.lit(last_on), first_on, freq)).item()) + 1
    if future is not None:
        in_horizon = bucket_index(pl.col("ds"), first_on, freq).is_between(length, length + horizon - 1)
        future = future.filter(in_horizon)
    told = [frame.select("unique_id") for frame in (kept, future) if frame is not None]
    keys = pl.concat(told).unique().sort("unique_id")
    indexed = _indexed(kept, keys, first_on, freq)
    shape = (keys.height, length)
    others = [name for name in kept.columns if name not in checks.NEEDED]
    static_names = _static_names(kept, others)
    static = keys.join(_static_of(kept, future, static_names), on="unique_id", how="left").sort("unique_id")
    planned = [name for name in others if future is not None and name in future.columns and name not in static_names]
    known: dict[str, Floats] = {}
    parts: dict[str, Part] = {}
    notes = pl.DataFrame(schema=checks.NOTES_SCHEMA)
    if future is not None and planned:
        ahead = _indexed(future.unique(["unique_id", "ds"], keep="last", maintain_order=True), keys, first_on, freq)
        notes = _plan_gaps(ahead, keys, horizon)
        for name in planned:
            cells = [frame.select("row", "column", name) for frame in (indexed, ahead)]
            whole = pl.concat(cells, how="vertical_relaxed")
            values = matrix(
                keys.height, length + horizon, whole["row"], whole["column"], _as_figures(whole[name]), np.nan
            )
            known[name], parts[name] = carried(values), part_of(name)
    past = {
        name: carried(matrix(*shape, indexed["row"], indexed["column"], _as_figures(indexed[name]), np.nan))
        for name in others
        if name not in static_names and name not in planned and kept.schema[name].is_numeric()
    }
    grid = Grid(
        keys=keys,
        freq=freq,
        first_on=first_on,
        values=matrix(*shape, indexed["row"], indexed["column"], indexed["y"], np.nan),
        ahead=horizon,
        static={name: codes(static[name].cast(pl.String)) for name in static_names},
        known=known,
        known_part=parts,
        past=past,
    )
    return grid, static, notes


def _series_rows(grid: Grid, outcome: Outcome) -> pl.DataFrame:
    count, horizon = outcome.mean.shape
    dates = [grid.bucket_on(grid.length + step) for step in range(horizon)]
    return grid.keys[np.repeat(np.arange(count), horizon)].with_columns(
        pl.Series("ds", dates * count, dtype=pl.Date),
        pl.Series("mean", outcome.mean.ravel()),
        *(pl.Series(name, outcome.quantiles[:, :, i].ravel()) for i, name in enumerate(QUANTILE_COLUMNS)),
        pl.Series("method", np.repeat(outcome.method, horizon).tolist(), dtype=pl.String),
    )


def _launch_notes(launched: Launched) -> pl.DataFrame:
    names = launched.grid.keys["unique_id"]
    return pl.DataFrame({"unique_id": names[launched.rows], "like": names[launched.like]}).select(
        "unique_id",
        pl.format("no history: forecast by its attributes, in the manner of {}", "like").alias("note"),
        pl.lit(False).alias("is_refused"),
    )


def _with_aggregates(
    rows: pl.DataFrame, grid: Grid, outcome: Outcome, static: pl.DataFrame, hierarchy: Sequence[str]
) -> pl.DataFrame:
    horizon = outcome.mean.shape[1]
    dates = [grid.bucket_on(grid.length + step) for step in range(horizon)]
    tables = [rows.with_columns(pl.lit(BOTTOM).alias("level"), pl.col("unique_id").alias("node"))]
    for level, nodes, mean, quantiles in aggregate(grid, outcome, static, hierarchy):
        tables.append(
            pl.DataFrame(
                {
                    "level": [level] * mean.size,
                    "node": [node for node in nodes for _ in range(horizon)],
                    "ds": pl.Series(dates * len(nodes), dtype=pl.Date),
                    "mean": mean.ravel(),
                    **{name: quantiles[:, :, i].ravel() for i, name in enumerate(QUANTILE_COLUMNS)},
                    "method": ["sum of series"] * mean.size,
                }
            )
        )
    whole = pl.concat(tables, how="diagonal")
    return whole.select("level", "node", *rows.columns)


def _observable(panel: pl.DataFrame, in_stock: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The panel without what was sold of an empty shelf, and that: unique_id, ds, sold."""
    if in_stock not in panel.columns:
        raise UsageError(f"history lacks the in-stock column {in_stock}")
    flag = pl.col(in_stock)
    if panel.schema[in_stock] == pl.String:
        flag = flag.str.to_lowercase().is_in(["true", "1", "yes", "t"])
    stocked = flag.cast(pl.Boolean).fill_null(True)
    sold = panel.filter(~stocked).select("unique_id", "ds", pl.col("y").fill_null(0.0).alias("sold"))
    return panel.with_columns(pl.when(stocked).then(pl.col("y")).alias("y")).drop(in_stock), sold


def _indexed(frame: pl.DataFrame, keys: pl.DataFrame, first_on: date, freq: Frequency) -> pl.DataFrame:
    # A join would copy every column of a panel that may be most of the memory there is.
    places = pl.Enum(keys["unique_id"])
    indexed = frame.with_columns(
        pl.col("unique_id").cast(places, strict=False).to_physical().alias("row"),
        bucket_index(pl.col("ds"), first_on, freq).alias("column"),
    )
    return indexed.drop_nulls("row") if indexed["row"].null_count() else indexed


def _static_names(panel: pl.DataFrame, others: list[str]) -> list[str]:
    if not others:
        return []
    counts = panel.group_by("unique_id").agg(pl.col(others).drop_nulls().n_unique()).select(pl.col(others).max())
    return [name for name in others if counts[name][0] is not None and counts[name][0] <= 1]


def _static_of(kept: pl.DataFrame, future: pl.DataFrame | None, names: list[str]) -> pl.DataFrame:
    """What each series' static columns say: its history's word, of a series without one its plan's."""
    told = [kept.select("unique_id", *names)]
    if future is not None:
        ours = [name for name in names if name in future.columns]
        told.append(future.select("unique_id", *(pl.col(name).cast(kept.schema[name], strict=False) for name in ours)))
    whole = pl.concat(told, how="diagonal")
    return whole.group_by("unique_id", maintain_order=True).agg(pl.col(names).drop_nulls().first())


def _as_figures(values: pl.Series) -> pl.Series:
    """Numbers as they are, truth as 0 and 1, words by how often they stand: the usual one is 0, which is neutral."""
    if values.dtype.is_numeric():
        return values.cast(pl.Float64)
    if values.dtype == pl.Boolean:
        return values.cast(pl.Float64)
    words = values.cast(pl.String).fill_null("")
    ranked = words.value_counts().sort([pl.col("count"), pl.col(words.name)], descending=[True, False])
    order = {word: float(rank) for rank, word in enumerate(ranked[words.name].to_list())}
    return words.replace_strict(order, return_dtype=pl.Float64)


def _plan_gaps(ahead: pl.DataFrame, keys: pl.DataFrame, horizon: int) -> pl.DataFrame:
    told = keys.join(ahead.group_by("unique_id").len(), on="unique_id", how="left").with_columns(
        (horizon - pl.col("len").fill_null(0).cast(pl.Int64)).alias("missing")
    )
    return told.filter(pl.col("missing") > 0).select(
        "unique_id",
        pl.format("{} future rows missing: the last known plan is carried on", "missing").alias("note"),
        pl.lit(False).alias("is_refused"),
    )
