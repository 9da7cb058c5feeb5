"""How good the forecast would have been: the production engine at past origins, beside the simple methods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from forecasting import metrics
from forecasting.engine import Outcome, forecast_grid
from forecasting.grid import Floats, Grid, Ints, codes
from forecasting.signals import signals_in, without_signals
from forecasting.smoothing import moving_average, seasonal_naive
from forecasting.weekly import check_weekly, weekly_grid

ALL = "*"
SERIES_LEVEL = "sku,channel_id,location_id"
LEVELS: Mapping[str, tuple[str, ...]] = {
    SERIES_LEVEL: ("sku", "channel_id", "location_id"),
    "sku": ("sku",),
    "channel_id": ("channel_id",),
    ALL: (),
}
MOVING_WEEKS = 8
NAIVE, MOVING, STATISTICAL, MODEL, PLAN = "naive", "moving average", "statistical", "model", "promotion plan"
SIGNALS = "signals"
# From the simplest method to what is published unless it is worse; each knows more than the one before it.
STEPS = (NAIVE, MOVING, STATISTICAL, MODEL, PLAN, SIGNALS)
SCORES_SCHEMA: dict[str, type[pl.DataType]] = {
    "series": pl.String,
    "level": pl.String,
    "class": pl.String,
    "step": pl.String,
    "horizon": pl.Int64,
    "metric": pl.String,
    "value": pl.Float64,
    "benchmark_value": pl.Float64,
}


@dataclass(frozen=True)
class Trialled:
    """One origin's forecasts by step, what came, the classes known then and the history they were made from.

    `quantiles` are those of the steps that the engine makes with all that they know.
    """

    keys: pl.DataFrame
    history: Floats
    actual: Floats
    kind: tuple[str, ...]
    steps: Mapping[str, Floats]
    quantiles: Mapping[str, Floats]


def score_origins(
    history: pl.DataFrame, *, horizon_weeks: int, origins: int = 2, future: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Rows of `forecasting.scores` (without run_id) from the last `origins` origins, one horizon apart.

    `history` and `future` as for `weekly.forecast_demand`: at each origin as much is planned ahead as is today. Every
    row is for all series together (`series` '*') of a `level` (sku × channel × location, sku, channel, all) and a
    `class` ('*' or that of the series at the origin), for one week ahead (`horizon` 1..) or the whole horizon (0).
    `step` is who forecast: `naive`, `moving average`, `statistical` (what the class would get without the model),
    `model` (told no price and no promotion ahead), `promotion plan` (told both; only where they are planned), `signals`
    (told also what is heard beside demand up to the origin; only where something is). `value` is that step's figure and
    `benchmark_value` SeasonalNaive's (52 weeks where a year of history exists, else the last value), means over the
    origins.
    Metrics: wape, bias (±, rates), rmsse, and for the last step without and with signals pinball, coverage_80 (ties
    shared out) and coverage_80_counted. Series that had not sold by an origin are not scored there.
    """
    check_weekly(history)
    if history.is_empty():
        return pl.DataFrame(schema=SCORES_SCHEMA)
    last: date = history["week_on"].max()  # type: ignore[assignment]
    grid = weekly_grid(history, horizon_weeks=horizon_weeks, through_on=last + timedelta(days=6), future=future)
    trials = [
        trial_at(grid, grid.length - back * horizon_weeks, horizon_weeks)
        for back in range(1, origins + 1)
        if grid.length - back * horizon_weeks >= 2 * grid.rhythm.windows[1]
    ]
    rows: dict[tuple[str, str, str, int, str], list[tuple[float, float]]] = {}
    for trial in trials:
        for key, value, benchmark in _trial_rows(trial, horizon_weeks):
            rows.setdefault(key, []).append((value, benchmark))
    records = [
        (ALL, *key, _mean([value for value, _ in pairs]), _mean([b for _, b in pairs])) for key, pairs in rows.items()
    ]
    return pl.DataFrame(records, schema=SCORES_SCHEMA, orient="row").with_columns(
        pl.col("value", "benchmark_value").fill_nan(None)
    )


def trial_at(grid: Grid, length: int, horizon: int) -> Trialled:
    """The production engine run on the first `length` weeks, with what came in the weeks after them."""
    sold = (np.nan_to_num(grid.values[:, :length]) > 0).any(axis=1)
    live = grid.take(np.flatnonzero(sold).astype(np.int64))
    past = live.cut(length)
    steps, outcomes = steps_of(past, horizon)
    return Trialled(
        keys=live.keys,
        history=past.values,
        actual=live.values[:, length : length + horizon],
        kind=tuple(next(iter(outcomes.values())).kind.tolist()),
        steps=steps,
        quantiles={step: outcome.quantiles for step, outcome in outcomes.items()},
    )


def steps_of(grid: Grid, horizon: int) -> tuple[dict[str, Floats], dict[str, Outcome]]:
    """Means of each step (series × week) after the grid's last week, and the outcomes of the last one without and with
    signals."""
    unheard = without_signals(grid)
    outcome = forecast_grid(unheard, horizon, fast=True)
    steps = {
        NAIVE: seasonal_naive(grid.values, horizon, benchmark_season(grid.length, grid.rhythm.year)),
        MOVING: moving_average(grid.values, horizon, MOVING_WEEKS),
        STATISTICAL: outcome.statistical,
        MODEL: outcome.mean,
    }
    if planned(grid):
        steps |= {MODEL: forecast_grid(without_plan(unheard), horizon, fast=True).mean, PLAN: outcome.mean}
    outcomes = {list(steps)[-1]: outcome}
    if signals_in(grid.past):
        outcomes[SIGNALS] = forecast_grid(grid, horizon, fast=True)
        steps[SIGNALS] = outcomes[SIGNALS].mean
    return steps, outcomes


def planned(grid: Grid) -> list[str]:
    """The columns that say what people plan to charge and to promote."""
    return [name for name, part in grid.known_part.items() if part in ("price", "promotion")]


def without_plan(grid: Grid) -> Grid:
    """The grid of somebody who is told no price and no promotion ahead; what they were until now stays known."""
    names = planned(grid)
    return replace(
        grid,
        known={name: values for name, values in grid.known.items() if name not in names},
        known_part={name: part for name, part in grid.known_part.items() if name not in names},
        past={**grid.past, **{name: grid.known[name][:, : grid.length] for name in names}},
    )


def benchmark_season(length: int, year: int) -> int:
    """A year where one has been seen, else one bucket, which is the naive forecast of the last value."""
    return year if length >= year else 1


def _trial_rows(trial: Trialled, horizon: int) -> list[tuple[tuple[str, str, str, int, str], float, float]]:
    rows: list[tuple[tuple[str, str, str, int, str], float, float]] = []
    kinds = np.array(trial.kind)
    for level, columns in LEVELS.items():
        group = _group(trial.keys, columns)
        picks: dict[str, Ints] = {ALL: np.arange(kinds.size)}
        if level == SERIES_LEVEL:
            picks |= {str(name): np.flatnonzero(kinds == name) for name in np.unique(kinds)}
        for name, chosen in picks.items():
            actual, history = _summed(trial.actual, group, chosen), _summed(trial.history, group, chosen)
            means = {step: _summed(mean, group, chosen) for step, mean in trial.steps.items()}
            for ahead in (0, *range(1, horizon + 1)):
                window = slice(None) if ahead == 0 else slice(ahead - 1, ahead)
                benchmark = point_metrics(actual[:, window], means[NAIVE][:, window], history)
                for step, mean in means.items():
                    figures = point_metrics(actual[:, window], mean[:, window], history)
                    rows += [((level, name, step, ahead, m), v, benchmark[m]) for m, v in figures.items()]
                for step, quantiles in trial.quantiles.items() if level == SERIES_LEVEL else ():
                    figures = band_metrics(trial.actual[chosen][:, window], quantiles[chosen][:, window])
                    rows += [((level, name, step, ahead, m), v, float("nan")) for m, v in figures.items()]
    return rows


def point_metrics(actual: Floats, mean: Floats, history: Floats) -> dict[str, float]:
    """WAPE, bias and mean RMSSE of means (series × step) against what came; unobserved cells are left out."""
    seen = ~np.isnan(actual)
    squares = np.where(seen, (mean - np.nan_to_num(actual)) ** 2, 0.0).sum(axis=1)
    counts = seen.sum(axis=1)
    error = np.where(counts > 0, squares / np.maximum(counts, 1), np.nan)
    rmsse = np.sqrt(metrics.scaled(error, metrics.naive_squares(history)))
    return {
        "wape": metrics.wape(actual[seen], mean[seen]),
        "bias": metrics.bias(actual[seen], mean[seen]),
        "rmsse": float(rmsse.mean()) if rmsse.size else float("nan"),
    }


def band_metrics(actual: Floats, quantiles: Floats) -> dict[str, float]:
    """Weighted quantile loss and coverage of the 80 % band, over the observed cells."""
    seen = ~np.isnan(actual)
    told = quantiles[seen]
    return {
        "pinball": metrics.pinball(actual[seen], told),
        "coverage_80": metrics.coverage(actual[seen], told),
        "coverage_80_counted": metrics.counted_coverage(actual[seen], told[:, 1], told[:, 5]),
    }


def _group(keys: pl.DataFrame, columns: tuple[str, ...]) -> Ints:
    if not columns:
        return np.zeros(keys.height, dtype=np.int64)
    return codes(keys.select(pl.concat_str(columns, separator="\x1f")).to_series())


def _summed(values: Floats, group: Ints, chosen: Ints) -> Floats:
    """Sums by group over the chosen series; a cell no member of a group was observed in is NaN."""
    distinct, places = np.unique(group[chosen], return_inverse=True)
    seen = ~np.isnan(values[chosen])
    out = np.zeros((distinct.size, values.shape[1]))
    count = np.zeros_like(out)
    np.add.at(out, places, np.where(seen, values[chosen], 0.0))
    np.add.at(count, places, seen)
    return np.where(count > 0, out, np.nan)


def _mean(values: list[float]) -> float:
    good = [value for value in values if not np.isnan(value)]
    return sum(good) / len(good) if good else float("nan")
