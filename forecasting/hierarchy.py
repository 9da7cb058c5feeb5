"""Sums over a hierarchy: means that add up exactly, and quantiles learnt at each level for itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from forecasting.engine import Outcome
from forecasting.grid import Floats, Grid, Ints, Rhythm, codes
from forecasting.intervals import in_whole_units, learn_spread, quantiles_of, signs_of, whole_units
from tillmill.errors import UsageError

TOTAL = "total"
BOTTOM = "unique_id"


def levels_of(columns: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Level name → its columns, from the total down: `state,store` gives total, state, state/store, then the series."""
    levels: dict[str, tuple[str, ...]] = {TOTAL: ()}
    for depth in range(1, len(columns) + 1):
        levels["/".join(columns[:depth])] = tuple(columns[:depth])
    return levels


def check_hierarchy(static: pl.DataFrame, columns: Sequence[str]) -> None:
    """Raises UsageError unless each column is there and one constant value per unique_id."""
    for name in columns:
        if name not in static.columns:
            raise UsageError(f"hierarchy column {name} is not in the history (or changes within a series)")
        empty = static.filter(pl.col(name).is_null())
        if not empty.is_empty():
            raise UsageError(f"hierarchy column {name} is empty for {empty['unique_id'][0]}")


def aggregate(
    grid: Grid, outcome: Outcome, static: pl.DataFrame, columns: Sequence[str]
) -> list[tuple[str, list[str], Floats, Floats]]:
    """(level, nodes, means node × step, quantiles node × step × level) for every level above the series.

    Means are the sums of the series' means. Quantiles come from what the summed trial forecasts missed at that level;
    with few nodes the levels near it lend theirs, so the spread is that of all levels above the series together.
    """
    summed: list[tuple[str, list[str], Floats, Floats]] = []
    samples: list[tuple[Floats, Floats, Floats]] = []
    for level, names in levels_of(columns).items():
        labels = _labels(static, names)
        group = codes(labels)
        nodes = labels.unique().sort().to_list()
        summed.append((level, nodes, _sum(outcome.mean, group), _signs(_sum(grid.values, group), grid.rhythm)))
        for trial, told in zip(outcome.trials, outcome.tried, strict=True):
            past = _sum(grid.values[:, : trial.origin + 1], group)
            # What could not be observed is in neither sum.
            seen = np.where(np.isnan(trial.actual), np.nan, told)
            samples.append((_sum(seen, group), _sum(trial.actual, group), _signs(past, grid.rhythm)))
    means, actuals, signs = zip(*samples, strict=True) if samples else ((), (), ())
    spread = learn_spread(means, actuals, signs) if samples else None
    counted = whole_units(grid.values)
    rows: list[tuple[str, list[str], Floats, Floats]] = []
    for level, nodes, mean, now in summed:
        quantiles = quantiles_of(spread, mean, now)
        rows.append((level, nodes, mean, in_whole_units(quantiles) if counted else quantiles))
    return rows


def _labels(static: pl.DataFrame, names: Sequence[str]) -> pl.Series:
    if not names:
        return pl.Series([TOTAL] * static.height, dtype=pl.String)
    return static.select(pl.concat_str([pl.col(name).cast(pl.String) for name in names], separator="/")).to_series()


def _sum(values: Floats, group: Ints) -> Floats:
    out = np.zeros((int(group.max(initial=0)) + 1, values.shape[1]))
    np.add.at(out, group, np.nan_to_num(values))
    return out


def _signs(history: Floats, rhythm: Rhythm) -> Floats:
    level = np.maximum(history[:, -rhythm.level :].mean(axis=1), 1e-9)
    return signs_of(history, level, level, rhythm)
