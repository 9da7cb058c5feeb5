"""From a grid to a forecast: classes, members, blend, parts and quantiles; the one path of production and backtests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from forecasting import classes, models, quartiles
from forecasting.features import look, market_of
from forecasting.grid import Floats, Grid, Ints
from forecasting.intervals import in_whole_units, learn_spread, quantiles_of, whole_units
from forecasting.response import Response, learn_response
from forecasting.smoothing import last_observed
from forecasting.trees import Effort
from forecasting.trials import (
    EachBlock,
    Strings,
    Trial,
    blocks_of,
    in_turn,
    joined,
    joined_trials,
    trial_origins,
    try_block,
)

CAP_TIMES_HIGHEST = 3.0
# Which members may speak for a class; the trials decide how much each one counts.
CANDIDATES: Mapping[str, tuple[str, ...]] = {
    classes.REGULAR: (models.BOOSTING, models.FREED, models.SMOOTHING, models.YEARLY, models.TSB),
    classes.INTERMITTENT: (models.BOOSTING, models.FREED, models.TSB, models.SBA, models.SMOOTHING),
    classes.NEW: (models.BOOSTING, models.SMOOTHING),
    classes.ASLEEP: (models.SEASONS,),
}
UNTRIED: Mapping[str, tuple[str, ...]] = {
    classes.REGULAR: (models.SMOOTHING,),
    classes.INTERMITTENT: (models.TSB,),
    classes.NEW: (models.SMOOTHING,),
    classes.ASLEEP: (models.SEASONS,),
}


@dataclass(frozen=True)
class Outcome:
    """Means (series × step), quantiles (series × step × level), parts that sum to the mean, class and method.

    `tried` are the means that the same blends gave in each of `trials`.
    """

    mean: Floats
    quantiles: Floats
    parts: Mapping[str, Floats]
    kind: Strings
    method: Strings
    statistical: Floats
    trials: tuple[Trial, ...] = field(repr=False)
    tried: tuple[Floats, ...] = field(repr=False)
    blends: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Blended:
    """What the blend of the members says of each series, now and in the trials."""

    mean: Floats
    method: Strings
    now: Trial
    parts: Mapping[str, Floats]
    trials: tuple[Trial, ...]
    tried: tuple[Floats, ...]
    blends: Mapping[str, Mapping[str, float]]


def forecast_grid(grid: Grid, horizon: int, *, fast: bool = False, each_block: EachBlock = in_turn) -> Outcome:
    """Forecasts the `horizon` buckets after the grid's last one; `each_block` says where its blocks are worked on.

    What the same blends did in the trials says how far demand falls from the mean: the quantiles, which are then moved
    towards the quartiles that trees have learnt.
    """
    effort = models.FAST if fast else models.FULL
    series = blended(grid, horizon, effort, each_block)
    kind = series.now.kind
    mean = series.mean
    trials = series.trials
    spread = (
        learn_spread(series.tried, [trial.actual for trial in trials], [trial.signs for trial in trials])
        if trials
        else None
    )
    quantiles = quantiles_of(spread, mean, series.now.signs)
    if quartiles.NAMES[0] in series.now.members:
        told = np.stack([series.now.members[name] for name in quartiles.NAMES], axis=-1)
        quantiles = quartiles.towards(quantiles, told)
    if whole_units(grid.values):
        quantiles = in_whole_units(quantiles)
    quantiles[kind == classes.CONSTANT] = mean[kind == classes.CONSTANT][..., None]
    statistical, _ = mix(series.now.members, {name: _even(UNTRIED[name]) for name in UNTRIED}, kind)
    return Outcome(
        mean=mean,
        quantiles=quantiles,
        parts={"base": mean - sum(series.parts.values(), np.zeros_like(mean)), **series.parts},
        kind=kind,
        method=series.method,
        statistical=np.minimum(statistical, _cap(grid.values)),
        trials=trials,
        tried=series.tried,
        blends=series.blends,
    )


def blended(grid: Grid, horizon: int, effort: Effort, each_block: EachBlock = in_turn) -> Blended:
    """The members of every series, blended per class as the trials say.

    One boosting is fitted without the newest buckets and tried on them, which gives the weights of the blends; a second
    one is fitted on everything and makes the forecast. Both learn from the same rows, of as many series as
    `series_taught` says; the series are gone through `SERIES_AT_ONCE` at a time.
    """
    market = market_of(grid)
    lessons = models.lessons_of(look(grid.take(models.series_taught(grid, horizon, effort)), market), horizon, effort)
    origins = trial_origins(grid, horizon)
    # The trials' model knows nothing of any bucket a trial forecasts.
    known = min(origins) + 1 if origins else 0
    is_same = bool(origins) and effort.same_from <= lessons.share_before(known) < 1.0
    wanted = [*([lessons.before(known)] if origins else []), *([] if is_same else [lessons])]
    del lessons
    beside = quartiles.quartile_fits(wanted[-1]) if effort.has_quartiles else []
    boostings, of_quartiles = models.fit_boostings(wanted, effort, beside)
    del wanted, beside
    rehearsal = models.Learnt(boostings[0], _response(grid, known - 1, effort)) if origins else models.NOTHING
    final = models.Learnt(boostings[-1], _response(grid, grid.length - 1, effort), tuple(of_quartiles))
    work = partial(try_block, market=market, horizon=horizon, origins=origins, rehearsal=rehearsal, final=final)
    blocks = each_block(work, grid, blocks_of(grid.count))
    trials = tuple(joined_trials([block.trials[place] for block in blocks]) for place in range(len(origins)))
    now = joined_trials([block.now for block in blocks])
    blends = {name: _blend(trials, name) for name in CANDIDATES}
    mean, method = mix(now.members, blends, now.kind)
    mean = np.where((now.kind == classes.CONSTANT)[:, None], last_observed(grid.values)[:, None], mean)
    capped = np.minimum(mean, _cap(grid.values))
    kept = np.divide(capped, mean, out=np.ones_like(mean), where=mean > 0)
    parts: dict[str, Floats] = {}
    for member in blocks[0].parts:
        share = np.array([blends.get(str(name), {}).get(member, 0.0) for name in now.kind])
        for name, values in joined([block.parts[member] for block in blocks]).items():
            parts[name] = parts.get(name, 0.0) + values * kept * share[:, None]
    return Blended(
        mean=capped,
        method=method,
        now=now,
        parts=parts,
        trials=trials,
        tried=tuple(mix(trial.members, blends, trial.kind)[0] for trial in trials),
        blends=blends,
    )


def _response(grid: Grid, origin: int, effort: Effort) -> Response | None:
    with threadpool_limits(1, user_api="blas"):
        return learn_response(grid, origin, effort.rows // 2)


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


def _cap(values: Floats) -> Floats:
    """Series × 1, three times the highest demand ever seen: a guard against a wild plan, not a model."""
    highest = np.where(np.isnan(values), 0.0, values).max(axis=1, initial=0.0)
    return np.asarray(CAP_TIMES_HIGHEST * highest[:, None])
