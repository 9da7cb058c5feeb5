"""A forecast against what came: WAPE, bias, RMSSE, MASE, pinball and coverage, by level."""

from __future__ import annotations

import numpy as np
import polars as pl

from forecasting import checks, metrics
from forecasting.grid import QUANTILE_COLUMNS, Floats
from tillmill.errors import UsageError

SCORE_SCHEMA: dict[str, type[pl.DataType]] = {
    "level": pl.String,
    "metric": pl.String,
    "value": pl.Float64,
    "series": pl.Int64,
    "rows": pl.Int64,
}
NODE_KEYS = ("level", "node")


def score(actual: pl.DataFrame, forecast: pl.DataFrame, history: pl.DataFrame | None = None) -> pl.DataFrame:
    """Rows level, metric, value, series, rows: every figure the columns given allow.

    `actual`: unique_id, ds, y, or level, node, ds, y. `forecast`: the same keys with mean and any of q05 … q95; rows
    without an actual are not scored. Where the forecast has aggregates and the actual is by series, aggregates are
    scored against the sums of the series that `forecast` names under them only if `actual` names level and node.
    `history` (keys and y) adds rmsse and mase, scaled by the naive error of each series from its first demand.
    Formulas: `forecasting.metrics`. Raises UsageError where a column is missing or no row matches.
    """
    by_node = all(name in actual.columns and name in forecast.columns for name in NODE_KEYS)
    keys = [*NODE_KEYS, "ds"] if by_node else ["unique_id", "ds"]
    truth = _readable(actual, "actual", [*keys, "y"])
    told = _readable(forecast, "forecast", [*keys, "mean"])
    if not by_node and "level" in told.columns:
        told = told.filter(pl.col("unique_id").is_not_null())
    doubled = told.with_row_index("row", offset=1).filter(pl.struct(keys).is_duplicated())
    if not doubled.is_empty():
        raise UsageError(f"forecast, row {doubled['row'][0]}: a second forecast for the same series and date")
    joined = told.join(truth.select(*keys, "y"), on=keys, how="inner").filter(pl.col("y").is_not_null())
    if joined.is_empty():
        raise UsageError("no row of the forecast has an actual with the same series and date")
    if not by_node:
        joined = joined.with_columns(pl.lit("unique_id").alias("level"), pl.col("unique_id").alias("node"))
    scales = None if history is None else _scales(_readable(history, "history", [*keys, "y"]), by_node=by_node)
    tables = [
        _level_rows(str(level), rows, scales)
        for (level,), rows in joined.sort("node", "ds").group_by("level", maintain_order=True)
    ]
    return pl.concat(tables)


def _level_rows(level: str, rows: pl.DataFrame, scales: pl.DataFrame | None) -> pl.DataFrame:
    truth, mean = rows["y"].to_numpy(), rows["mean"].to_numpy()
    figures = {"wape": metrics.wape(truth, mean), "bias": metrics.bias(truth, mean)}
    if scales is not None:
        figures |= _scaled_figures(level, rows, scales)
    if all(name in rows.columns for name in QUANTILE_COLUMNS):
        quantiles: Floats = rows.select(QUANTILE_COLUMNS).to_numpy()
        figures |= {
            "pinball": metrics.pinball(truth, quantiles),
            "coverage_80": metrics.coverage(truth, quantiles),
            "coverage_80_counted": metrics.counted_coverage(truth, quantiles[:, 1], quantiles[:, 5]),
        }
    series = rows["node"].n_unique()
    records = [
        (level, name, None if np.isnan(value) else value, series, rows.height) for name, value in figures.items()
    ]
    return pl.DataFrame(records, schema=SCORE_SCHEMA, orient="row")


def _scaled_figures(level: str, rows: pl.DataFrame, scales: pl.DataFrame) -> dict[str, float]:
    errors = rows.group_by("node").agg(
        ((pl.col("mean") - pl.col("y")) ** 2).mean().alias("squared"),
        (pl.col("mean") - pl.col("y")).abs().mean().alias("absolute"),
    )
    with_scale = errors.join(scales.filter(pl.col("level") == level), on="node", how="inner").sort("node")
    rmsse = np.sqrt(metrics.scaled(with_scale["squared"].to_numpy(), with_scale["squares"].to_numpy()))
    mase = metrics.scaled(with_scale["absolute"].to_numpy(), with_scale["absolutes"].to_numpy())
    return {
        "rmsse": float(rmsse.mean()) if rmsse.size else float("nan"),
        "mase": float(mase.mean()) if mase.size else float("nan"),
    }


def _scales(history: pl.DataFrame, *, by_node: bool) -> pl.DataFrame:
    """level, node, squares, absolutes: naive errors inside each series' history, gaps not bridged by position."""
    if not by_node:
        history = history.with_columns(pl.lit("unique_id").alias("level"), pl.col("unique_id").alias("node"))
    began = history.sort("level", "node", "ds").filter((pl.col("y") > 0).cum_sum().over("level", "node") > 0)
    change = began.with_columns(pl.col("y").diff().over("level", "node").alias("change"))
    return change.group_by("level", "node").agg(
        (pl.col("change") ** 2).mean().fill_null(float("nan")).alias("squares"),
        pl.col("change").abs().mean().fill_null(float("nan")).alias("absolutes"),
    )


def _readable(frame: pl.DataFrame, what: str, needed: list[str]) -> pl.DataFrame:
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        raise UsageError(f"{what} lacks the column {', '.join(missing)} (it has {', '.join(frame.columns)})")
    if "unique_id" not in needed:
        named = frame.with_columns(pl.col("node").cast(pl.String).alias("unique_id"))
        return checks.readable(named, what, ("unique_id", "ds", "y") if "y" in needed else ("unique_id", "ds"))
    if "level" in frame.columns:
        frame = frame.filter(pl.col("unique_id").is_not_null())
    return checks.readable(frame, what, ("unique_id", "ds", "y") if "y" in needed else ("unique_id", "ds"))
