"""How forecasts of the public sets are scored: M5's weighted figures, WAPE, quantile loss and coverage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting import metrics
from forecasting.grid import QUANTILE_COLUMNS

Floats = NDArray[np.float64]
# M5's levels 1 to 9 in the order of its weights file, each sorted by the columns together.
M5_LEVELS: tuple[tuple[str, ...], ...] = (
    (),
    ("state",),
    ("store",),
    ("category",),
    ("department",),
    ("state", "category"),
    ("state", "department"),
    ("store", "category"),
    ("store", "department"),
)
DOLLAR_DAYS = 28


def m5_weights(path: Path) -> list[Floats]:
    """The official weights of levels 1 to 9, each level summing to one (1, 3, 10, 3, 7, 9, 21, 30, 70 of them)."""
    column = pl.read_parquet(path)["Weights"].to_numpy()
    out, start = [], 0
    for size in (1, 3, 10, 3, 7, 9, 21, 30, 70):
        level = column[start : start + size]
        out.append(np.asarray(level / level.sum()))
        start += size
    return out


def wrmsse(history: pl.DataFrame, actual: pl.DataFrame, told: pl.DataFrame, weights: list[Floats]) -> list[float]:
    """WRMSSE of each level 1 to 9 from store × department series; the scales are those of `history`.

    `history` and `actual`: ds, y and the columns of `M5_LEVELS`; `told`: the same with mean. RMSSE is the root of the
    mean squared error ÷ the mean squared day-to-day change since the first sale.
    Source: Makridakis, Spiliotis and Assimakopoulos 2022, International Journal of Forecasting 38(4).
    """
    out = []
    for columns, weight in zip(M5_LEVELS, weights, strict=True):
        past, came, forecast = (
            level_sums(frame, columns, value) for frame, value in ((history, "y"), (actual, "y"), (told, "mean"))
        )
        squares = ((forecast - came) ** 2).mean(axis=1)
        out.append(float((weight * np.sqrt(squares / metrics.naive_squares(past))).sum()))
    return out


def rmsse(history: pl.DataFrame, joined: pl.DataFrame) -> pl.DataFrame:
    """unique_id, rmsse and the dollars of each series' last 28 days (`price` × y; 0 without a price).

    `joined`: unique_id, y, mean. Series that never moved before the origin have no scale and no row.
    """
    changed = (
        history.sort("unique_id", "ds")
        .filter((pl.col("y") > 0).cum_sum().over("unique_id") > 0)
        .with_columns(pl.col("y").diff().over("unique_id").alias("change"))
        .group_by("unique_id")
        .agg((pl.col("change") ** 2).mean().alias("scale"))
    )
    last = history["ds"].max()
    recent = history.filter(pl.col("ds") > pl.lit(last).dt.offset_by(f"-{DOLLAR_DAYS}d"))
    price = pl.col("price") if "price" in history.columns else pl.lit(0.0)
    dollars = recent.group_by("unique_id").agg((pl.col("y") * price).sum().alias("dollars"))
    error = joined.group_by("unique_id").agg(((pl.col("y") - pl.col("mean")) ** 2).mean().alias("error"))
    return (
        error.join(changed, on="unique_id")
        .join(dollars, on="unique_id", how="left")
        .filter(pl.col("scale") > 0)
        .select("unique_id", (pl.col("error") / pl.col("scale")).sqrt().alias("rmsse"), pl.col("dollars").fill_null(0))
    )


def point_scores(history: pl.DataFrame, joined: pl.DataFrame) -> dict[str, float]:
    """WAPE, bias, mean RMSSE and RMSSE weighted by dollars, of rows unique_id, y, mean."""
    actual, mean = joined["y"].to_numpy(), joined["mean"].to_numpy()
    series = rmsse(history, joined)
    figures, dollars = series["rmsse"].to_numpy(), series["dollars"].to_numpy()
    weighted = float((figures * dollars).sum() / dollars.sum()) if dollars.sum() > 0 else float("nan")
    return {
        "wape": metrics.wape(actual, mean),
        "bias": metrics.bias(actual, mean),
        "rmsse": float(figures.mean()),
        "weighted_rmsse": weighted,
    }


def quantile_scores(joined: pl.DataFrame) -> dict[str, float]:
    """Weighted quantile loss and coverage of the 80 % band by randomised probability integral transform."""
    actual: Floats = joined["y"].to_numpy()
    # A peer's quantile models are fitted one by one and may cross: sorted, as every user of them would.
    told: Floats = np.sort(joined.select(QUANTILE_COLUMNS).to_numpy(), axis=1)
    return {"loss": metrics.pinball(actual, told), "coverage": metrics.coverage(actual, told)}


def level_sums(frame: pl.DataFrame, columns: tuple[str, ...], value: str) -> Floats:
    """Sums by the level's nodes (rows, sorted by their columns together) and days (columns, in order)."""
    node = pl.concat_str(columns) if columns else pl.lit("")
    wide = (
        frame.group_by(node.alias("node"), "ds")
        .agg(pl.col(value).sum())
        .pivot(on="ds", index="node", values=value, sort_columns=False)
    )
    days = sorted(name for name in wide.columns if name != "node")
    out: Floats = wide.sort("node").select(days).to_numpy().astype(np.float64)
    return out
