"""A forecast against what came: WAPE, bias, RMSSE, MASE, pinball and coverage, by level."""

from __future__ import annotations

from collections.abc import Iterable

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
TOTAL = "total"
BOTTOM = "unique_id"


def score(actual: pl.DataFrame, forecast: pl.DataFrame, history: pl.DataFrame | None = None) -> pl.DataFrame:
    """Rows level, metric, value, series, rows: every figure that the given columns allow.

    `actual`: unique_id, ds, y. `forecast`: unique_id, ds, mean and any of q05 … q95, and where it has aggregates,
    level and node; rows without an actual are not scored. An aggregate is scored against the sum of its series where
    `actual` has the columns its level is named after (`total` needs none), or `actual` may name level and node itself.
    `history` (as `actual`) adds rmsse and mase, scaled by each series' naive error from its first demand on.
    Formulas: `forecasting.metrics`. Raises UsageError where a column is missing or no row matches.
    """
    levels = forecast["level"].unique().sort().to_list() if "level" in forecast.columns else [BOTTOM]
    truth = _nodes(actual, "actual", "y", levels)
    told = _nodes(forecast, "forecast", "mean", [BOTTOM])
    doubled = told.with_row_index("row", offset=1).filter(pl.struct(*NODE_KEYS, "ds").is_duplicated())
    if not doubled.is_empty():
        raise UsageError(f"forecast, row {doubled['row'][0]}: a second forecast for the same series and date")
    joined = told.join(truth.select(*NODE_KEYS, "ds", "y"), on=[*NODE_KEYS, "ds"], how="inner")
    joined = joined.filter(pl.col("y").is_not_null()).sort("level", "node", "ds")
    if joined.is_empty():
        raise UsageError("no row of the forecast has an actual with the same series and date")
    scales = None if history is None else _scales(_nodes(history, "history", "y", levels))
    return pl.concat([_level_rows(str(level), rows, scales) for (level,), rows in _by_level(joined)])


def _by_level(rows: pl.DataFrame) -> Iterable[tuple[tuple[object, ...], pl.DataFrame]]:
    return rows.group_by("level", maintain_order=True)


def _nodes(frame: pl.DataFrame, what: str, value: str, levels: list[str]) -> pl.DataFrame:
    """The frame with level, node, ds and its value; a frame by series is summed to each level that it can name."""
    if all(name in frame.columns for name in NODE_KEYS):
        named = frame.with_columns(pl.col("node").alias("unique_id"))
        return _readable(named, what, value)
    series = _readable(frame, what, value)
    tables = [series.with_columns(pl.lit(BOTTOM).alias("level"), pl.col("unique_id").alias("node"))]
    for level in levels:
        columns = [] if level == TOTAL else level.split("/")
        if level != BOTTOM and all(name in series.columns for name in columns):
            node = pl.concat_str(columns, separator="/") if columns else pl.lit(TOTAL)
            summed = series.group_by(node.alias("node"), "ds").agg(pl.col(value).sum())
            tables.append(summed.with_columns(pl.lit(level).alias("level")))
    return pl.concat(tables, how="diagonal")


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


def _scales(history: pl.DataFrame) -> pl.DataFrame:
    """level, node, squares, absolutes: mean errors of the naive forecast inside each node's history."""
    began = history.sort("level", "node", "ds").filter((pl.col("y") > 0).cum_sum().over("level", "node") > 0)
    change = began.with_columns(pl.col("y").diff().over("level", "node").alias("change"))
    return change.group_by("level", "node").agg(
        (pl.col("change") ** 2).mean().fill_null(float("nan")).alias("squares"),
        pl.col("change").abs().mean().fill_null(float("nan")).alias("absolutes"),
    )


def _readable(frame: pl.DataFrame, what: str, value: str) -> pl.DataFrame:
    missing = [name for name in ("unique_id", "ds", value) if name not in frame.columns]
    if missing:
        raise UsageError(f"{what} lacks the column {', '.join(missing)} (it has {', '.join(frame.columns)})")
    return checks.readable(frame, what, ("unique_id", "ds", *(["y"] if value == "y" else [])))
