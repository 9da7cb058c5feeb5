"""Which method a run publishes: a challenger only where it is no worse than the champion at the same origins."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from forecasting.backtest import ALL, MODEL, PLAN, SCORES_SCHEMA, SIGNALS, STEPS, steps_of, without_plan
from forecasting.engine import Outcome, forecast_grid
from forecasting.grid import Floats
from forecasting.signals import signals_in
from forecasting.weekly import demand_rows, forecast_demand, weekly_grid, without_retired

PUBLISHED = "published"
# What signals must take off the error before they are listened to: on the demo, those that say nothing new moved it by
# one or two thousandths (docs/forecasting.md).
WORTH_HEARING = 0.01


def champion_of(scores: pl.DataFrame) -> str | None:
    """The step that the newest published run took, out of its rows of `forecasting.scores`; None before one."""
    marks = scores.filter(pl.col("metric") == PUBLISHED, pl.col("value") == 1.0)
    return None if marks.is_empty() else str(marks["step"][-1])


def choose(scores: pl.DataFrame, champion: str | None) -> str:
    """The step to publish: the last of `STEPS` that is no worse than the champion's, all at the same origins.

    `scores` are this run's, so the champion is tried on the same history by the same code as its challengers; before
    the first run the naive forecast is the champion. Worse is a greater mean RMSSE over the scored levels: squared
    errors, because a mean is what is published, and every level alike, because plans are made at all of them. A
    champion that cannot be tried any more (there is no plan) is stood in for by the step before it. Signals are only
    listened to where they take `WORTH_HEARING` off the error of the same step without them: what moves beside demand
    need not say anything about it. Without a trial (too short a history) nothing is known to be worse: the champion
    stays, or the promotion plan's step begins.
    """
    errors = _errors(scores)
    if not errors:
        return champion or PLAN
    names = [step for step in STEPS if step in errors]
    if names[-1] == SIGNALS and errors[SIGNALS] > (1 - WORTH_HEARING) * errors[names[-2]]:
        names.pop()
    held = [step for step in names if champion in STEPS and STEPS.index(step) <= STEPS.index(str(champion))]
    bar = errors[held[-1] if held else names[0]]
    return next(step for step in reversed(names) if errors[step] <= bar)


def marked(scores: pl.DataFrame, step: str) -> pl.DataFrame:
    """The scores with one row more per step, metric `published`: 1 for the step that the run published, else 0."""
    tried = [name for name in STEPS if name in set(scores["step"]) | {step}]
    rows = [(ALL, ALL, ALL, name, 0, PUBLISHED, float(name == step), None) for name in tried]
    return pl.concat([scores, pl.DataFrame(rows, schema=SCORES_SCHEMA, orient="row")])


def forecast_as(
    step: str, history: pl.DataFrame, *, horizon_weeks: int, cutoff_on: date, future: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Rows of `forecasting.demand` by one of `STEPS`; all else as `weekly.forecast_demand`."""
    if step != SIGNALS:
        history = history.drop(signals_in(history.columns))
    known = history.filter(pl.col("week_on") <= cutoff_on - timedelta(days=6))
    if step in (PLAN, SIGNALS) or known.is_empty() or horizon_weeks < 1:
        return forecast_demand(history, horizon_weeks=horizon_weeks, cutoff_on=cutoff_on, future=future)
    grid = weekly_grid(known, horizon_weeks=horizon_weeks, through_on=cutoff_on, future=future)
    if step == MODEL:
        outcome = forecast_grid(without_plan(grid), horizon_weeks, fast=True)
    else:
        steps, outcomes = steps_of(grid, horizon_weeks)
        (tried,) = outcomes.values()
        outcome = with_mean(tried, steps[step], step)
    return without_retired(demand_rows(grid, outcome, cutoff_on), history)


def with_mean(outcome: Outcome, mean: Floats, method: str) -> Outcome:
    """The outcome with another mean, as unsure as its own in proportion; its parts are unknown but the base."""
    times = np.divide(mean, outcome.mean, out=np.zeros_like(mean), where=outcome.mean > 0)
    scaled = outcome.quantiles * times[..., None]
    return replace(
        outcome,
        mean=mean,
        quantiles=np.where((outcome.mean > 0)[..., None], scaled, mean[..., None]),
        parts={"base": mean},
        method=np.full(mean.shape[0], method, dtype="<U120"),
    )


def _errors(scores: pl.DataFrame) -> dict[str, float]:
    """Each step's mean RMSSE over the levels at which every step has one: all classes, the whole horizon."""
    whole = scores.filter(
        pl.col("metric") == "rmsse", pl.col("class") == ALL, pl.col("horizon") == 0, pl.col("value").is_not_null()
    )
    wide = whole.filter(pl.len().over("level") == pl.col("step").n_unique())
    return dict(wide.group_by("step").agg(pl.col("value").mean()).iter_rows())
