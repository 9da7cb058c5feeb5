"""Quantiles that never cross: where real demand fell, in backtests, around means told of series alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.tree import DecisionTreeRegressor

from forecasting.grid import QUANTILES, SEED, Floats, Matrix, Rhythm
from forecasting.smoothing import windowed_mean

TREES = 12
ROWS_IN_LEAF = 120
FEWEST_ROWS = 30
MOST_ROWS = 24_000
LONGEST_WAIT = 60.0
UNREST = 1


@dataclass(frozen=True)
class Spread:
    """Quantiles of demand ÷ mean in each leaf of each tree (node × `QUANTILES`)."""

    trees: tuple[DecisionTreeRegressor, ...]
    leaves: tuple[Floats, ...]


def signs_of(values: Floats, level: Floats, size: Floats, rhythm: Rhythm) -> Floats:
    """Series × sign, at the end of `values`: usual size of a sale, unrest, recent means, wait since a sale, sale share.

    Unrest is the mean absolute change from bucket to bucket ÷ level.
    """
    changes = np.abs(np.diff(values[:, -4 * rhythm.level :], axis=1))
    sold = np.nan_to_num(values) > 0
    waited = np.argmax(sold[:, ::-1], axis=1) if values.shape[1] else np.zeros(values.shape[0])
    return np.stack(
        [
            np.maximum(size, 1e-12),
            windowed_mean(changes, 4 * rhythm.level) / np.maximum(level, 1e-12),
            windowed_mean(values, rhythm.windows[0]),
            windowed_mean(values, rhythm.level),
            np.where(sold.any(axis=1), np.minimum(waited, LONGEST_WAIT), LONGEST_WAIT),
            sold[:, -2 * rhythm.level :].mean(axis=1) if values.shape[1] else np.zeros(values.shape[0]),
        ],
        axis=-1,
    )


def learn_spread(means: Sequence[Floats], actuals: Sequence[Floats], signs: Sequence[Floats]) -> Spread | None:
    """Quantiles of actual ÷ mean where `signs` are alike, learnt from trials; None on too few rows.

    Each trial: `means` and `actuals` series × step, `signs` series × sign. Cells with an unobserved actual or a zero
    mean are left out. Half of the rows grow a tree towards leaves that differ in place, width and share of zeros; the
    quantiles of a leaf are those of the other half, as split conformal prediction asks, and both tails are kept apart.
    Sources: Meinshausen 2006, JMLR 7; Vovk et al. 2005, Algorithmic Learning in a Random World.
    """
    around = np.concatenate([_around(mean, told).reshape(-1, 8) for mean, told in zip(means, signs, strict=True)])
    mean, actual = (np.concatenate([cells.ravel() for cells in many]) for many in (means, actuals))
    good = np.flatnonzero(~np.isnan(actual) & (mean > 0))
    generator = np.random.default_rng(SEED)
    if good.size < FEWEST_ROWS:
        return None
    if good.size > MOST_ROWS:
        good = np.sort(generator.choice(good, MOST_ROWS, replace=False))
    around, ratio = around[good], actual[good] / mean[good]
    held = np.minimum(ratio, np.quantile(ratio, 0.99))
    aims = np.stack([held, np.abs(held - np.median(held)), ratio == 0], axis=1)
    aims = (aims - aims.mean(axis=0)) / np.maximum(aims.std(axis=0), 1e-9)
    trees, leaves = [], []
    for number in range(TREES):
        order = generator.permutation(good.size)
        grown, read = np.array_split(order, 2)
        tree = DecisionTreeRegressor(min_samples_leaf=ROWS_IN_LEAF, max_features=0.6, random_state=number)
        tree.fit(around[grown], aims[grown])
        trees.append(tree)
        leaves.append(_leaves(tree, around[read], ratio[read]))
    return Spread(tuple(trees), tuple(leaves))


def quantiles_of(spread: Spread | None, mean: Floats, signs: Floats) -> Floats:
    """Quantiles (series × step × `QUANTILES`), never negative, never crossing; zero where the mean is."""
    if spread is None:
        return _assumed(mean, signs[:, UNREST])
    around = _around(mean, signs).reshape(-1, 8)
    told = [leaves[tree.apply(around)] for tree, leaves in zip(spread.trees, spread.leaves, strict=True)]
    ratios = (sum(told) / len(told)).reshape(*mean.shape, len(QUANTILES))
    return np.asarray(np.maximum.accumulate(mean[..., None] * ratios, axis=-1))


def whole_units(values: Floats) -> bool:
    """Whether demand is counted in whole units (at least 95 of 100 observed values are)."""
    seen = values[~np.isnan(values)]
    return bool(seen.size) and float((seen == np.rint(seen)).mean()) >= 0.95


def in_whole_units(quantiles: Floats) -> Floats:
    """Quantiles of counted demand are counts: a bound between two counts would promise what it cannot hold."""
    return np.asarray(np.floor(quantiles + 0.5))


def _around(mean: Floats, signs: Floats) -> Matrix:
    """What may tell how far demand falls from a mean: series × step × 8."""
    size, unrest, recent, level, waited, share = (sign[:, None] for sign in signs.T)
    least = np.maximum(mean, 1e-9)
    told = (
        np.log(least / size),
        unrest,
        np.clip(np.log(least / np.maximum(level, 1e-6)), -5.0, 5.0),
        np.clip(np.log((recent + 1e-3) / least), -6.0, 6.0),
        waited,
        share,
        np.arange(mean.shape[1]),
        np.log(least),
    )
    return np.stack([np.broadcast_to(one, mean.shape) for one in told], axis=-1).astype(np.float32)


def _leaves(tree: DecisionTreeRegressor, around: Matrix, ratio: Floats) -> Floats:
    """Node × quantile: what fell into each leaf; a leaf that nothing fell into says what all rows do."""
    nodes = tree.apply(around)
    order = np.argsort(nodes, kind="stable")
    there, first = np.unique(nodes[order], return_index=True)
    out = np.tile(np.quantile(ratio, conformal_levels(ratio.size)), (tree.tree_.node_count, 1))
    for node, fell in zip(there.tolist(), np.split(ratio[order], first[1:]), strict=True):
        out[node] = np.quantile(fell, conformal_levels(fell.size))
    return np.asarray(out)


def conformal_levels(rows: int) -> Sequence[float]:
    """Levels to read off `rows` ordered scores so that a new one stays inside as often as promised."""
    return [
        min(1.0, level * (rows + 1) / rows) if level > 0.5 else max(0.0, (level * (rows + 1) - 1) / rows)
        for level in QUANTILES
    ]


def _assumed(mean: Floats, unrest: Floats) -> Floats:
    """Without a backtest: a normal spread as wide as the series' own unrest, cut at zero."""
    standard = np.array([-1.645, -1.282, -0.674, 0.0, 0.674, 1.282, 1.645])
    width = mean * np.clip(unrest, 0.0, 3.0)[:, None]
    return np.asarray(np.maximum(mean[..., None] + width[..., None] * standard, 0.0))
