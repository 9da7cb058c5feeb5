"""Quartiles of demand as trees learn them from all lessons: a second voice beside the spread that trials tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from forecasting.grid import QUANTILES, Floats
from forecasting.models import FULL, Ahead, Fit, Lessons
from forecasting.trees import Trees

LEVELS = (0.25, 0.75)
NAMES = ("first quartile", "third quartile")
EFFORT = replace(FULL, rows=30_000, trees=40, rate=0.15, leaves=15)
# Trees that learnt from the rows they speak of tell widths too narrow, so these count less than their middle.
MIDDLE_SHARE, WIDTH_SHARE = 0.5, 1 / 3


def quartile_fits(lessons: Lessons) -> list[Fit]:
    """What is to be grown for `LEVELS` of demand ÷ level; nothing where there is too little to learn from."""
    if not lessons.teaches():
        return []
    some = lessons.some(EFFORT.rows)
    return [Fit(some, EFFORT, level=level) for level in LEVELS]


def predict_quartiles(trees: Sequence[Trees], ahead: Ahead) -> dict[str, Floats]:
    """Demand (series × step) at each quartile, by `NAMES`; nothing without trees."""
    return {name: ahead.demand(of.ratios(ahead.columns.values)) for name, of in zip(NAMES, trees, strict=False)}


def towards(quantiles: Floats, quartiles: Floats) -> Floats:
    """`quantiles` (… × `QUANTILES`) moved towards `quartiles` (… × 2): their middle half the way, their width a third.

    The middle moves by a quarter of their own quartile range at most: what few trees say of a festival is a guess.
    Never negative, never crossing; where nothing is expected nothing moves.
    """
    own = quantiles[..., [QUANTILES.index(level) for level in LEVELS]]
    gap, half = quartiles - own, (own[..., 1] - own[..., 0]) / 2
    middle = MIDDLE_SHARE * np.clip(gap.mean(axis=-1), -half, half)
    width = WIDTH_SHARE * (gap[..., 1] - gap[..., 0]) / 2
    side = np.interp(QUANTILES, LEVELS, (-1.0, 1.0))
    moved = np.maximum(quantiles + middle[..., None] + width[..., None] * side, 0.0)
    return np.asarray(np.where(quantiles[..., -1:] > 0, np.maximum.accumulate(moved, axis=-1), quantiles))
