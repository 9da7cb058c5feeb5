"""Quantiles that never cross: where real demand fell, in backtests, around means of the same size and unrest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.grid import QUANTILES, Floats

ROWS_PER_BIN = 150
MAX_BINS = 16


@dataclass(frozen=True)
class Spread:
    """Quantiles of demand ÷ mean by size of the mean (`centres`, log scale), calm and restless series apart."""

    divide: float
    centres: tuple[Floats, ...]
    ratios: tuple[Floats, ...]


def learn_spread(mean: Floats, actual: Floats, size: Floats, unrest: Floats) -> Spread | None:
    """Empirical quantiles of actual ÷ mean in bins of mean ÷ usual size of a sale; None on too few rows.

    Flat arrays of equal length; rows with an unobserved actual or a zero mean are left out. Split conformal
    prediction (Vovk et al. 2005) within bins, the ratio being the score and both tails kept apart.
    """
    good = ~np.isnan(actual) & (mean > 0)
    if int(good.sum()) < 30:
        return None
    rate, ratio, restless = np.log(mean[good] / size[good]), actual[good] / mean[good], unrest[good]
    divide = float(np.median(restless))
    centres: list[Floats] = []
    ratios: list[Floats] = []
    for chosen in (restless <= divide, restless > divide):
        rows = chosen if int(chosen.sum()) >= 30 else np.ones_like(chosen)
        centre, table = _binned(rate[rows], ratio[rows])
        centres.append(centre)
        ratios.append(table)
    return Spread(divide, tuple(centres), tuple(ratios))


def quantiles_of(spread: Spread | None, mean: Floats, size: Floats, unrest: Floats) -> Floats:
    """Quantiles (… × `QUANTILES`) for means of any shape, never negative, never crossing; zero where the mean is."""
    if spread is None:
        return _assumed(mean, unrest)
    rate = np.log(np.maximum(mean, 1e-12) / np.maximum(size, 1e-12))
    calm, restless = (_at(rate, spread.centres[side], spread.ratios[side]) for side in (0, 1))
    ratios = np.where((unrest <= spread.divide)[..., None], calm, restless)
    return np.asarray(np.maximum.accumulate(mean[..., None] * ratios, axis=-1))


def whole_units(values: Floats) -> bool:
    """Whether demand is counted in whole units (at least 95 of 100 observed values are)."""
    seen = values[~np.isnan(values)]
    return bool(seen.size) and float((seen == np.rint(seen)).mean()) >= 0.95


def in_whole_units(quantiles: Floats) -> Floats:
    """Quantiles of counted demand are counts: a bound between two counts would promise what it cannot hold."""
    return np.asarray(np.floor(quantiles + 0.5))


def unrest_of(values: Floats, level: Floats) -> Floats:
    """Mean absolute change from bucket to bucket ÷ level, per series: how restless its demand has been."""
    change = np.abs(np.diff(values, axis=1)) if values.shape[1] > 1 else np.zeros((values.shape[0], 1))
    seen = ~np.isnan(change)
    mean = np.where(seen, change, 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    return np.asarray(mean / np.maximum(level, 1e-12))


def _binned(rate: Floats, ratio: Floats) -> tuple[Floats, Floats]:
    order = np.argsort(rate, kind="stable")
    bins = int(np.clip(rate.size // ROWS_PER_BIN, 1, MAX_BINS))
    pieces = np.array_split(order, bins)
    centres = np.array([float(np.median(rate[piece])) for piece in pieces])
    table = np.stack([np.quantile(ratio[piece], conformal_levels(piece.size)) for piece in pieces])
    return centres, table


def conformal_levels(rows: int) -> Sequence[float]:
    """Levels to read off `rows` ordered scores so that a new one stays inside as often as promised."""
    return [
        min(1.0, level * (rows + 1) / rows) if level > 0.5 else max(0.0, (level * (rows + 1) - 1) / rows)
        for level in QUANTILES
    ]


def _at(rate: Floats, centres: Floats, table: Floats) -> Floats:
    return np.stack([np.interp(rate, centres, table[:, index]) for index in range(table.shape[1])], axis=-1)


def _assumed(mean: Floats, unrest: Floats) -> Floats:
    """Without a backtest: a normal spread as wide as the series' own unrest, cut at zero."""
    standard = np.array([-1.645, -1.282, -0.674, 0.0, 0.674, 1.282, 1.645])
    width = mean * np.clip(unrest, 0.0, 3.0)
    return np.asarray(np.maximum(mean[..., None] + width[..., None] * standard, 0.0))
