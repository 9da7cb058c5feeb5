"""Demand as it would have been with stock on the shelf: what was sold until it was empty is less than was wanted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.stats import nbinom

from forecasting.grid import Floats, Grid, Ints

ROUNDS = 12
# Weights of what is usual, in buckets and units, against what few buckets and series say.
CALM_BUCKETS, CALM_SEASON, CALM_DAY = 7.0, 20.0, 5.0
# How much more than by chance alone demand varies, as a share of its mean squared, where little has been seen.
USUAL_SPREAD = 0.5
# No shelf was missed for more than this many times the expected demand and a few units.
MOST_TIMES, MOST_UNITS = 10.0, 5.0
MIN_ALIKE = 4


def uncensored(grid: Grid, sold: Floats) -> Grid:
    """The grid with the expected demand of each bucket in which the shelf was empty.

    `sold`: series × bucket; what was sold until the shelf was empty, NaN where it was not: at least that was wanted.
    """
    reach = grid.rhythm.windows[1]
    empty = ~np.isnan(sold)
    observed = np.where(empty, np.maximum(sold, 0.0), grid.values)
    return replace(grid, values=unconstrained(observed, empty, _alike(grid), grid.rhythm.short_season, reach))


def unconstrained(observed: Floats, is_censored: NDArray[np.bool_], group: Ints, season: int, reach: int) -> Floats:
    """Observed demand (series × bucket, NaN where nothing is known), censored cells replaced by their expectation.

    Demand of a cell is negative binomial around level × index: the level is the mean of the last `2 * reach + 1`
    buckets, the index what the series of its `group` did in that season so far and in that very bucket, so that shops
    with stock speak for the one without. A censored cell holds E[D | D >= sold], and the level is taken again from what
    it then holds, `ROUNDS` times over: expectation-maximisation of the censored likelihood (Dempster, Laird and Rubin,
    1977; as applied to censored demand by McGill, 1995). Cells that were not censored stay as they are.
    A cell knows its own bucket and those before it, never a later one: what is filled in stays so when time goes on,
    and a trial at an earlier origin sees what could have been known there.
    """
    known = ~np.isnan(observed)
    low = np.where(known, observed, 0.0)
    free = known & ~is_censored
    cells = np.nonzero(known & is_censored)
    usual = np.cumsum(low * free, axis=1) / np.maximum(np.cumsum(free, axis=1), 1)
    filled = np.where(free, low, np.where(known, np.maximum(low, usual), 0.0))
    squares = filled**2
    index = np.ones_like(filled)
    members = csr_array((np.ones(group.size), (group, np.arange(group.size))))
    for _ in range(ROUNDS):
        move = _move(filled, known, members, reach)[group]
        mean = _level(filled, index * move, known, reach) * move * known
        index = _index(filled, mean, members, season)[group]
        mean = np.maximum(mean * index, 1e-6)
        excess = np.cumsum(np.where(known, squares - 2 * mean * filled + mean**2 - mean, 0.0), axis=1)[cells]
        calm = CALM_BUCKETS * mean[cells] ** 2
        seen = np.cumsum(np.where(known, mean**2, 0.0), axis=1)[cells]
        spread = (np.maximum(excess, 0.0) + USUAL_SPREAD * calm) / (seen + calm)
        size = 1 / np.clip(spread, 1e-3, 5.0)
        first, second = _moments(low[cells], mean[cells], size)
        most = low[cells] + MOST_TIMES * mean[cells] + MOST_UNITS
        filled[cells] = np.clip(first, low[cells], most)
        squares[cells] = np.minimum(second, most**2)
    return np.where(known, filled, np.nan)


def _moments(least: Floats, mean: Floats, size: Floats) -> tuple[Floats, Floats]:
    """E[D | D >= least] and E[D² | D >= least] of a negative binomial: size-biased tails divided by its tail."""
    chance = size / (size + mean)
    tail = np.maximum(nbinom.sf(least - 1, size, chance), 1e-12)
    first = mean * nbinom.sf(least - 2, size + 1, chance) / tail
    pairs = mean**2 * (1 + 1 / size) * nbinom.sf(least - 3, size + 2, chance) / tail
    return np.where(least > 0, first, mean), np.where(least > 0, pairs + first, mean**2 * (1 + 1 / size) + mean)


def _level(filled: Floats, index: Floats, known: NDArray[np.bool_], reach: int) -> Floats:
    weight = index * known
    units, weights = np.cumsum(filled, axis=1), np.cumsum(weight, axis=1)
    usual = units / np.maximum(weights, 1e-9)
    width = 2 * reach + 1
    return np.asarray((_last(units, width) + CALM_BUCKETS * usual) / (_last(weights, width) + CALM_BUCKETS))


def _move(filled: Floats, known: NDArray[np.bool_], members: csr_array, reach: int) -> Floats:
    """Group × bucket: where demand has moved to, which a shelf that is empty for weeks cannot tell of itself."""
    units, cells = np.cumsum(members @ filled, axis=1), np.cumsum(members @ known, axis=1)
    width = 2 * reach + 1
    return np.asarray((_last(units, width) + 1e-3) / np.maximum(_last(cells, width), 1.0))


def _index(filled: Floats, level: Floats, members: csr_array, season: int) -> Floats:
    """Group × bucket: demand as a multiple of the level, by the place in the season so far and by the very bucket."""
    told, expected = members @ filled, members @ level
    seasons = np.empty_like(told)
    for place in range(season):
        same = slice(place, None, season)
        seasons[:, same] = (np.cumsum(told[:, same], axis=1) + CALM_SEASON) / (
            np.cumsum(expected[:, same], axis=1) + CALM_SEASON
        )
    return np.asarray(seasons * (told + CALM_DAY) / (expected * seasons + CALM_DAY))


def _last(running: Floats, width: int) -> Floats:
    """Sums of the last `width` buckets, from running sums."""
    before = np.pad(running, ((0, 0), (width, 0)))[:, : running.shape[1]]
    return np.asarray(running - before)


def _alike(grid: Grid) -> Ints:
    """The finest static column of which each value has some series: the series that speak for one another."""
    best = np.zeros(grid.count, dtype=np.int64)
    for codes in grid.static.values():
        values, alike = np.unique(codes, return_inverse=True)
        if best.max(initial=0) + 1 < values.size <= grid.count / MIN_ALIKE:
            best = alike.astype(np.int64)
    return best
