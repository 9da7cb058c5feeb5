"""From a grid to a forecast: classes, members, blend, parts and quantiles; the one path of production and backtests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from forecasting import classes, models
from forecasting.features import Sight, level, look
from forecasting.grid import Floats, Grid, Ints
from forecasting.intervals import in_whole_units, learn_spread, quantiles_of, unrest_of, whole_units
from forecasting.smoothing import last_observed
from forecasting.trees import Effort

Strings = NDArray[np.str_]
CAP_TIMES_HIGHEST = 3.0
# Which members may speak for a class; the trials decide how much each one counts.
CANDIDATES: Mapping[str, tuple[str, ...]] = {
    classes.REGULAR: (models.BOOSTING, models.SMOOTHING, models.YEARLY, models.TSB),
    classes.INTERMITTENT: (models.BOOSTING, models.TSB, models.SBA, models.SMOOTHING),
    classes.NEW: (models.BOOSTING, models.SMOOTHING),
}
UNTRIED: Mapping[str, tuple[str, ...]] = {
    classes.REGULAR: (models.SMOOTHING,),
    classes.INTERMITTENT: (models.TSB,),
    classes.NEW: (models.SMOOTHING,),
}


@dataclass(frozen=True)
class Trial:
    """One origin before the cutoff, forecast as if it were now: what blends and quantiles are learnt from."""

    origin: int
    members: Mapping[str, Floats]
    actual: Floats
    scale: Floats
    size: Floats
    unrest: Floats
    kind: Strings


@dataclass(frozen=True)
class Outcome:
    """Means (series × step), quantiles (series × step × level), parts that sum to the mean, class and method."""

    mean: Floats
    quantiles: Floats
    parts: Mapping[str, Floats]
    kind: Strings
    method: Strings
    statistical: Floats
    trials: tuple[Trial, ...] = field(repr=False)
    blends: Mapping[str, Mapping[str, float]]


def forecast_grid(grid: Grid, horizon: int, *, fast: bool = False) -> Outcome:
    """Forecasts the `horizon` buckets after the grid's last one.

    One boosting is fitted without the newest buckets and tried on them, which gives blend weights per class and the
    spread of demand around the mean; a second one is fitted on everything and makes the forecast.
    """
    effort = models.FAST if fast else models.FULL
    sight = look(grid)
    kind = classes.classify(grid.values, grid.rhythm)
    trials = run_trials(sight, horizon, effort)
    blends = {name: _blend(trials, name) for name in CANDIDATES}
    final = models.fit_boosting(sight, horizon=horizon, length=grid.length, effort=effort)
    origin = grid.length - 1
    members, parts = _members(sight, origin, horizon, final, with_parts=True)
    cap = _cap(grid.values)
    mean, method = mix(members, blends, kind)
    mean = np.where(np.isin(kind, (classes.CONSTANT,))[:, None], last_observed(grid.values)[:, None], mean)
    capped = np.minimum(mean, cap[:, None])
    share = np.array([blends.get(str(name), {}).get(models.BOOSTING, 0.0) for name in kind])
    kept = np.divide(capped, mean, out=np.ones_like(mean), where=mean > 0) * share[:, None]
    told = {name: values * kept for name, values in parts.items()}
    scale, size = level(sight, origin)
    unrest = unrest_of(grid.values[:, -4 * grid.rhythm.level :], scale)
    quantiles = spread_of(trials, blends)(capped, size, unrest)
    if whole_units(grid.values):
        quantiles = in_whole_units(quantiles)
    quantiles[kind == classes.CONSTANT] = capped[kind == classes.CONSTANT][..., None]
    statistical, _ = mix(members, {name: _even(UNTRIED[name]) for name in UNTRIED}, kind)
    return Outcome(
        mean=capped,
        quantiles=quantiles,
        parts={"base": capped - sum(told.values(), np.zeros_like(capped)), **told},
        kind=kind,
        method=method,
        statistical=np.minimum(statistical, cap[:, None]),
        trials=trials,
        blends=blends,
    )


def run_trials(sight: Sight, horizon: int, effort: Effort) -> tuple[Trial, ...]:
    """Up to three origins whose whole horizon has been seen, forecast by a model that saw nothing after the first."""
    length = sight.grid.length
    step = max(1, horizon // 2)
    newest = length - 1 - horizon
    floor = max(2 * sight.grid.rhythm.windows[1], 4)
    origins = [newest - back * step for back in range(3) if newest - back * step >= floor]
    if not origins:
        return ()
    oldest = min(origins)
    rehearsal = replace(effort, rows=effort.rows // 2)
    model = models.fit_boosting(sight, horizon=horizon, length=oldest + 1, effort=rehearsal)
    return tuple(_trial(sight, origin, horizon, model) for origin in origins)


def spread_of(
    trials: tuple[Trial, ...], blends: Mapping[str, Mapping[str, float]]
) -> Callable[[Floats, Floats, Floats], Floats]:
    """A function (mean, size, unrest) → quantiles, learnt from what the same blends did in the trials."""
    means, actuals, sizes, unrests = [], [], [], []
    for trial in trials:
        mean, _ = mix(trial.members, blends, trial.kind)
        shape = mean.shape
        means.append(mean.ravel())
        actuals.append(trial.actual.ravel())
        sizes.append(np.broadcast_to(trial.size[:, None], shape).ravel())
        unrests.append(np.broadcast_to(trial.unrest[:, None], shape).ravel())
    spread = (
        learn_spread(np.concatenate(means), np.concatenate(actuals), np.concatenate(sizes), np.concatenate(unrests))
        if trials
        else None
    )

    def quantiles(mean: Floats, size: Floats, unrest: Floats) -> Floats:
        shape = mean.shape
        return quantiles_of(
            spread, mean, np.broadcast_to(size[:, None], shape), np.broadcast_to(unrest[:, None], shape)
        )

    return quantiles


def mix(
    members: Mapping[str, Floats], blends: Mapping[str, Mapping[str, float]], kind: Strings
) -> tuple[Floats, Strings]:
    """The blend of each series' class, and its name in words. Dead series are zero; constant ones smooth to theirs."""
    first = next(iter(members.values()))
    mean = np.zeros_like(first)
    method = np.full(first.shape[0], "zero", dtype="<U120")
    for name in np.unique(kind).tolist():
        if name == classes.DEAD:
            continue
        weights = blends.get(name) or _even(UNTRIED[classes.REGULAR])
        # A member tried in the past may be gone today (too few rows to fit): its share goes to the others.
        weights = {member: share for member, share in weights.items() if member in members}
        weights = {member: share / sum(weights.values()) for member, share in weights.items()} or _even(UNTRIED[name])
        rows = kind == name
        mean[rows] = sum(share * members[member][rows] for member, share in weights.items())
        method[rows] = "constant" if name == classes.CONSTANT else in_words(weights)
    return np.maximum(mean, 0.0), method


def in_words(weights: Mapping[str, float]) -> str:
    """A blend as people read it, heaviest member first."""
    if len(weights) == 1:
        return next(iter(weights))
    heaviest_first = sorted(weights.items(), key=lambda item: (-item[1], item[0]))
    return " + ".join(f"{share:.2f} {name}" for name, share in heaviest_first)


def _blend(trials: tuple[Trial, ...], kind: str) -> dict[str, float]:
    if not trials:
        return _even(UNTRIED[kind])
    names = [name for name in CANDIDATES[kind] if all(name in trial.members for trial in trials)]
    chosen: list[Ints] = [np.flatnonzero(trial.kind == kind) for trial in trials]
    pairs = list(zip(trials, chosen, strict=True))
    if sum(rows.size for rows in chosen) < 30:
        return _even(UNTRIED[kind])
    members = {name: np.concatenate([trial.members[name][rows] for trial, rows in pairs]) for name in names}
    actual = np.concatenate([trial.actual[rows] for trial, rows in pairs])
    scale = np.concatenate([trial.scale[rows] for trial, rows in pairs])
    return models.blend_weights(members, actual, scale)


def _even(names: tuple[str, ...]) -> dict[str, float]:
    return dict.fromkeys(names, 1.0 / len(names))


def _trial(sight: Sight, origin: int, horizon: int, model: models.Boosting | None) -> Trial:
    values = sight.grid.values[:, : origin + 1]
    members, _ = _members(sight, origin, horizon, model, with_parts=False)
    scale, size = level(sight, origin)
    return Trial(
        origin=origin,
        members=members,
        actual=sight.grid.values[:, origin + 1 : origin + 1 + horizon],
        scale=scale,
        size=size,
        unrest=unrest_of(values[:, -4 * sight.grid.rhythm.level :], scale),
        kind=classes.classify(values, sight.grid.rhythm),
    )


def _members(
    sight: Sight, origin: int, horizon: int, model: models.Boosting | None, *, with_parts: bool
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    members = models.statistical_members(sight, origin, horizon)
    parts: dict[str, Floats] = {}
    if model is not None:
        members[models.BOOSTING], parts = models.predict_boosting(model, sight, origin, horizon, with_parts=with_parts)
    return members, parts


def _cap(values: Floats) -> Floats:
    """No mean is above three times the highest demand ever seen: a guard against a wild plan, not a model."""
    highest = np.where(np.isnan(values), 0.0, values).max(axis=1, initial=0.0)
    return np.asarray(CAP_TIMES_HIGHEST * highest)
