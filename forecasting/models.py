"""The members of a forecast: one gradient boosting over all series, and the statistical methods it is blended with."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from forecasting.croston import sba, tsb
from forecasting.features import (
    CATEGORY,
    Columns,
    Sight,
    earlier_years,
    level,
    origin_columns,
    stack,
    target_features,
    vantage,
    year_growth,
)
from forecasting.grid import SEED, Floats, Grid, Ints, Matrix, drawn_series
from forecasting.levels import calm_births, total_factor
from forecasting.response import Response, effects_of
from forecasting.smoothing import exponential_smoothing
from forecasting.trees import ROWS_FOR_THREADS, Effort, Trees, can_fit_side_by_side, fit_trees

BOOSTING = "gradient boosting"
SMOOTHING = "exponential smoothing"
YEARLY = "smoothing with last year's season"
FREED = "smoothing freed of price and promotion"
SEASONS = "the same time of earlier years"
TSB = "TSB"
SBA = "SBA"
MIN_TRAINING_ROWS = 400
MAX_RATIO = 25.0
TIE = 0.03
FEWEST_SAMPLED = 200_000
REHEARSED = 60_000
# Few rows fill few leaves: more would be learnt from luck, and take as long.
ROWS_A_LEAF, FEWEST_LEAVES = 1_000, 15
# What lies further back weighs less than a millionth in any smoothed level.
SMOOTHED_BUCKETS = 400
# A festival comes once a year: what it does is learnt from several of them.
TAUGHT_YEARS = 4
# Of so many rows each half says nearly what all do, and two boostings err less together than one.
PARTED_FROM, PARTS = 300_000, 2
# Beyond this share of all rows the largest fit would go on alone on one thread for long.
LARGEST_BESIDE = 2 / 3

FULL = Effort(rows=400_000, trees=120, rate=0.12, leaves=63, threads=2, same_from=1.0, distances=14, has_quartiles=True)
FAST = Effort(rows=110_000, trees=80, rate=0.12, leaves=31, threads=2, same_from=0.9, distances=7, has_quartiles=False)


@dataclass(frozen=True)
class Lessons:
    """What a boosting is taught: one row per series, origin and step, with its demand ÷ level and the level."""

    matrix: Matrix
    ratios: Floats
    levels: Floats
    targets: Ints
    categories: list[int]

    def teaches(self) -> bool:
        """Whether there is enough to learn from."""
        return self.ratios.size >= MIN_TRAINING_ROWS and bool(self.ratios.any())

    def share_before(self, length: int) -> float:
        """How many of the rows aim at one of the first `length` buckets."""
        return float((self.targets < length).mean()) if self.targets.size else 0.0

    def before(self, length: int) -> Lessons:
        """The rows that aim at one of the first `length` buckets: all, or a seeded sample of `REHEARSED`."""
        return self._drawn(np.flatnonzero(self.targets < length), REHEARSED)

    def some(self, most: int) -> Lessons:
        """All rows, or a seeded sample of `most`."""
        return self._drawn(np.arange(self.targets.size), most)

    def parts(self, count: int) -> list[Lessons]:
        """The lessons in `count` parts: of each origin and step a share of the series is in each."""
        return [self._of(slice(part, None, count)) for part in range(count)]

    def _drawn(self, rows: Ints, most: int) -> Lessons:
        if rows.size > most:
            rows = np.sort(np.random.default_rng(SEED).choice(rows, most, replace=False))
        return self._of(rows)

    def _of(self, rows: Ints | slice) -> Lessons:
        return Lessons(self.matrix[rows], self.ratios[rows], self.levels[rows], self.targets[rows], self.categories)


@dataclass(frozen=True)
class Boosting:
    """A fitted model of demand ÷ recent level: the mean of what its parts say."""

    parts: tuple[Trees, ...]

    def ratios(self, matrix: Matrix) -> Floats:
        """Predicted demand as a multiple of the recent level."""
        told = sum(part.ratios(matrix) for part in self.parts) / len(self.parts)
        return np.clip(told, 0.0, MAX_RATIO)

    def uses(self, column: int) -> bool:
        return any(part.uses(column) for part in self.parts)


@dataclass(frozen=True)
class Learnt:
    """What all series have taught: demand ÷ level, how it answers price and promotion, None where too little; and where
    it was asked for the quartiles of demand ÷ level (`forecasting.quartiles`)."""

    boosting: Boosting | None
    response: Response | None
    quartiles: tuple[Trees, ...] = ()


NOTHING = Learnt(None, None)


@dataclass(frozen=True)
class Fit:
    """Trees to be grown: for the mean of demand ÷ level, or for a quantile of it."""

    lessons: Lessons
    effort: Effort
    seed: int = SEED
    level: float | None = None

    @property
    def rows(self) -> int:
        return int(self.lessons.ratios.size)

    def grow(self, threads: int) -> Trees:
        """The deviance of the ratio is weighted by the level, as if demand had the level for exposure, so that large
        and sleeping series share one model. The mean weight is one: leaf sizes and penalties mean the same on cents and
        tonnes. Few rows fill few leaves, and on one thread."""
        leaves = min(self.effort.leaves, max(FEWEST_LEAVES, self.rows // ROWS_A_LEAF))
        effort = replace(self.effort, leaves=leaves, threads=threads if self.rows >= ROWS_FOR_THREADS else 1)
        one = self.lessons
        weights = one.levels / max(float(one.levels.mean()), 1e-12)
        return fit_trees(one.matrix, one.ratios, weights, effort, one.categories, seed=self.seed, level=self.level)


def fit_boostings(
    lessons: Sequence[Lessons], effort: Effort, beside: Sequence[Fit] = ()
) -> tuple[list[Boosting | None], list[Trees]]:
    """Fits demand ÷ recent level, once for each of `lessons`, and the fits `beside`; None where there is too little.

    Where one of `lessons` has very many rows all are parted alike: what is tried must err like what is published.
    """
    count = PARTS if max((one.ratios.size for one in lessons), default=0) >= PARTED_FROM else 1
    parts = [one.parts(count) if one.teaches() else [] for one in lessons]
    fits = [Fit(part, effort, SEED + number) for some in parts for number, part in enumerate(some)]
    trees = iter(_grown([*fits, *beside], effort.threads))
    return [Boosting(tuple(next(trees) for _ in some)) if some else None for some in parts], list(trees)


def _grown(fits: Sequence[Fit], threads: int) -> list[Trees]:
    """Fits of like size stand side by side, the largest first, each on one thread: threads that share a fit wait for
    one another at every leaf. The results are the same."""
    rows = [fit.rows for fit in fits]
    if not (can_fit_side_by_side() and rows and max(rows) <= LARGEST_BESIDE * sum(rows)):
        return [fit.grow(threads) for fit in fits]
    with ThreadPoolExecutor(threads) as pool:
        growing = {
            place: pool.submit(fits[place].grow, 1) for place in sorted(range(len(fits)), key=lambda n: -rows[n])
        }
        return [growing[place].result() for place in range(len(fits))]


@dataclass(frozen=True)
class Ahead:
    """What trees look at of each bucket ahead, one step after the other, and the level of each series."""

    columns: Columns
    scale: Floats
    horizon: int

    def demand(self, ratios: Floats) -> Floats:
        """Demand (series × step) of what was predicted for the rows."""
        return np.asarray(ratios.reshape(self.horizon, self.scale.size).T * self.scale[:, None])


def look_ahead(sight: Sight, origin: int, horizon: int) -> Ahead:
    """What trees look at of the `horizon` buckets after `origin`."""
    view = vantage(sight, origin)
    shared = origin_columns(view)
    blocks = [stack(shared, target_features(view, step), slice(None)) for step in range(1, horizon + 1)]
    values = np.concatenate([block.values for block in blocks])
    return Ahead(Columns(blocks[0].names, values, blocks[0].part, blocks[0].neutral), view.scale, horizon)


def predict_boosting(model: Boosting, ahead: Ahead, *, with_parts: bool = True) -> tuple[Floats, dict[str, Floats]]:
    """Demand (series × step) and, per part, what it adds or takes away (season, price, promotion, festival, other).

    The parts are told by switching planned and seasonal columns off one group after another; what is left is base.
    """
    whole = ahead.columns
    mean = ahead.demand(model.ratios(whole.values))
    parts: dict[str, Floats] = {}
    before = mean
    for part in ("festival", "promotion", "price", "other", "season") if with_parts else ():
        if any(told == part and model.uses(column) for column, told in enumerate(whole.part)):
            whole = Columns(whole.names, whole.without(part), whole.part, whole.neutral)
            after = ahead.demand(model.ratios(whole.values))
            parts[part] = before - after
            before = after
    return mean, parts


def freed_member(response: Response, sight: Sight, origin: int, horizon: int) -> tuple[Floats, dict[str, Floats]]:
    """Demand (series × step) smoothed free of price and promotion and answering the plan, and what each adds to it."""
    grid = sight.grid
    first = max(0, origin + 1 - SMOOTHED_BUCKETS)
    effects = effects_of(response, grid, first, origin, horizon)
    past, ahead = slice(-horizon), slice(-horizon, None)
    freed = grid.values[:, first : origin + 1] / np.exp(effects["price"] + effects["promotion"])[:, past]
    plain = _held(exponential_smoothing(_calm(freed, grid), horizon, grid.rhythm), freed, grid)
    plain = plain * np.exp(effects["base"][:, ahead])
    priced = plain * np.exp(effects["price"][:, ahead])
    mean = priced * np.exp(effects["promotion"][:, ahead])
    return mean, {"promotion": mean - priced, "price": priced - plain}


def statistical_members(sight: Sight, origin: int, horizon: int) -> dict[str, Floats]:
    """Forecasts (series × step) of the methods that look at one series alone, made at `origin`.

    Weekly ones are held to the recent total before any season of the year is laid on them, here and so in every trial.
    Days and months keep theirs: the season inside a few days or months would be taken for a move of the market.
    """
    grid = sight.grid
    seen = grid.values[:, max(0, origin + 1 - SMOOTHED_BUCKETS) : origin + 1]
    past = _calm(seen, grid)
    out = {
        SMOOTHING: exponential_smoothing(past, horizon, grid.rhythm),
        TSB: np.repeat(tsb(past)[:, None], horizon, axis=1),
        SBA: np.repeat(sba(past)[:, None], horizon, axis=1),
    }
    out = {name: _held(told, seen, grid) for name, told in out.items()}
    _, size = level(sight, origin)
    growth = [year_growth(sight, sight.own, origin, origin + step, size) for step in range(1, horizon + 1)]
    if not np.isnan(growth).all():
        out[YEARLY] = out[SMOOTHING] * np.nan_to_num(np.stack(growth, axis=1), nan=1.0)
    out[SEASONS] = np.stack([earlier_years(sight, origin, origin + step) for step in range(1, horizon + 1)], axis=1)
    return out


def _calm(seen: Floats, grid: Grid) -> Floats:
    return calm_births(seen) if grid.freq == "W" else seen


def _held(told: Floats, seen: Floats, grid: Grid) -> Floats:
    return told * total_factor(seen, told[:, 0], grid.rhythm.windows[1]) if grid.freq == "W" else told


def blend_weights(members: dict[str, Floats], actual: Floats, scale: Floats) -> dict[str, float]:
    """Weights in quarters, summing to one, with the least squared error per level over the calibration window.

    `members` and `actual` are rows × step, `scale` is per row. Where errors tie within `TIE`, the boosting is given the
    most it can have, for it is tried with less than it will forecast with; then weights are the more even the better,
    because a blend chosen on few rows is mostly luck.
    """
    names = list(members)
    seen = ~np.isnan(actual)
    if not seen.any():
        return dict.fromkeys(names, 1.0 / len(names))
    weight = np.broadcast_to((1.0 / np.maximum(scale, 1e-9))[:, None], actual.shape)[seen]
    stacked = np.stack([members[name][seen] for name in names]) - actual[seen]
    gram = (stacked * weight) @ stacked.T
    quarters = list(combinations_with_replacement(range(len(names)), 4))
    shares = np.eye(len(names))[quarters].mean(axis=1)
    losses = np.einsum("ci,ij,cj->c", shares, gram, shares)
    near = losses <= losses.min() * (1.0 + TIE)
    trusted = shares[:, names.index(BOOSTING)] if BOOSTING in names else np.zeros(len(shares))
    best = shares[near][np.lexsort(((shares[near] ** 2).sum(axis=1), -trusted[near]))[0]]
    return {name: float(share) for name, share in zip(names, best, strict=True) if share > 0}


def earliest_origin(grid: Grid, horizon: int) -> int:
    """The first bucket that lessons look from: enough is known there, and no festival of the last years is missed."""
    earliest = min(2 * grid.rhythm.windows[1], max(grid.length // 3, 1))
    return max(earliest, grid.length - 2 - TAUGHT_YEARS * grid.rhythm.year - horizon)


def series_taught(grid: Grid, horizon: int, effort: Effort) -> Ints:
    """The series that a boosting learns from: so many, drawn by a seed, that every bucket can be aimed at.

    All festivals of some series teach more than some festivals of all.
    """
    targets = max(1, grid.length - 1 - earliest_origin(grid, horizon))
    return drawn_series(grid, effort.rows // targets)


def lessons_of(sight: Sight, horizon: int, effort: Effort) -> Lessons:
    """Rows to learn from: all series at seeded pairs of origin and step, so chosen that every bucket is aimed at alike.

    As many are kept as there are observed cells, twice as many up to `FEWEST_SAMPLED` (one bucket seen from two
    origins) and at most `effort.rows` (then not every bucket is aimed at).
    """
    grid = sight.grid
    length = grid.length
    cells = int(sight.own.seen[:, length].sum())
    limit = min(effort.rows, max(cells, min(FEWEST_SAMPLED, 2 * cells)))
    earliest = earliest_origin(grid, horizon)
    blocks: list[Columns] = []
    ratios: list[Floats] = []
    levels: list[Floats] = []
    targets: list[Ints] = []
    apart = max(1, horizon // effort.distances)
    for origin, steps in aims_of(earliest, length, horizon, limit / max(grid.count, 1), apart).items():
        view = vantage(sight, origin)
        shared = origin_columns(view)
        for step in steps:
            actual = grid.values[:, origin + step]
            rows = _usable(sight, actual, origin)
            blocks.append(stack(shared, target_features(view, step), rows))
            ratios.append(actual[rows] / view.scale[rows])
            levels.append(view.scale[rows])
            targets.append(np.full(rows.size, origin + step, dtype=np.int64))
    if not blocks:
        return Lessons(np.zeros((0, 0), dtype=np.float32), np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int64), [])
    categories = [place for place, name in enumerate(blocks[0].names) if name.startswith(CATEGORY)]
    return Lessons(
        np.concatenate([block.values for block in blocks]),
        np.concatenate(ratios),
        np.concatenate(levels),
        np.concatenate(targets),
        categories,
    )


def aims_of(earliest: int, length: int, horizon: int, wanted: float, apart: int = 1) -> dict[int, list[int]]:
    """Origin → steps, about `wanted` pairs: every bucket after `earliest` is aimed at equally often, from any distance.

    Were steps drawn at random for each origin, a third of all buckets, and so of all festivals, would never be aimed
    at. Where there are more buckets than pairs, one of each few neighbours is taken. Origins are `apart` buckets apart
    (the first buckets have nearer ones): what is seen from an origin takes longer to reckon than to aim.
    """
    generator = np.random.default_rng(SEED)
    targets = np.arange(earliest + 1, length)
    aimed = np.array_split(targets, min(targets.size, max(1, round(wanted)))) if targets.size else []
    out: dict[int, list[int]] = {}
    for neighbours in aimed:
        target = int(generator.choice(neighbours))
        steps = np.arange(1, min(horizon, target - earliest) + 1)
        kept = steps[(length - target + steps) % apart == 0]
        steps = kept if kept.size else steps
        often = min(steps.size, max(1, round(wanted / targets.size)))
        for step in generator.choice(steps, often, replace=False).tolist():
            out.setdefault(target - step, []).append(step)
    return {origin: sorted(out[origin]) for origin in sorted(out)}


def _usable(sight: Sight, actual: Floats, origin: int) -> Ints:
    usable: NDArray[np.bool_] = ~np.isnan(actual) & (sight.born <= origin) & (sight.last_sale[:, origin] >= 0)
    return np.flatnonzero(usable).astype(np.int64)
