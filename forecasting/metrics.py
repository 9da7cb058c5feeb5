"""How far a forecast was from what came, as plain functions on arrays."""

from __future__ import annotations

import numpy as np

from forecasting.grid import QUANTILES, Floats

BAND = (0.10, 0.90)


def wape(actual: Floats, mean: Floats) -> float:
    """Σ|forecast - actual| ÷ Σ actual; NaN where nothing was demanded."""
    return _share(float(np.abs(mean - actual).sum()), float(actual.sum()))


def bias(actual: Floats, mean: Floats) -> float:
    """Σ(forecast - actual) ÷ Σ actual: above zero means too much was forecast."""
    return _share(float((mean - actual).sum()), float(actual.sum()))


def naive_squares(history: Floats, season: int = 1) -> Floats:
    """Mean squared error of the (seasonal) naive forecast inside each series' history, from its first demand on.

    `history` is series × bucket with NaN before the first row. NaN where a series is too short or never moved.
    Source: Hyndman and Koehler 2006; Makridakis et al. 2022 (M5), which starts at the first demand.
    """
    length = history.shape[1]
    if length <= season:
        return np.full(history.shape[0], np.nan)
    sold = np.nan_to_num(history) > 0
    begun = np.cumsum(sold, axis=1) > 0
    live = np.where(begun, history, np.nan)
    change = (live[:, season:] - live[:, :-season]) ** 2
    seen = ~np.isnan(change)
    total = np.where(seen, change, 0.0).sum(axis=1)
    count = seen.sum(axis=1)
    return np.asarray(np.where((count > 0) & (total > 0), total / np.maximum(count, 1), np.nan))


def scaled(error: Floats, scale: Floats) -> Floats:
    """Each series' error ÷ its scale, without the series that have none."""
    good = ~np.isnan(scale) & (scale > 0) & ~np.isnan(error)
    return np.asarray(error[good] / scale[good])


def pinball(actual: Floats, quantiles: Floats) -> float:
    """Weighted quantile loss: Σ over levels and rows of 2 × pinball loss ÷ (levels × Σ actual).

    `quantiles` has the levels of `QUANTILES` last. Source: GluonTS mean_wQuantileLoss.
    """
    gap = actual[..., None] - quantiles
    levels = np.array(QUANTILES)
    loss = 2.0 * np.maximum(levels * gap, (levels - 1.0) * gap).sum()
    return _share(float(loss), len(QUANTILES) * float(actual.sum()))


def coverage(actual: Floats, quantiles: Floats, band: tuple[float, float] = BAND) -> float:
    """Share of actuals inside the band, ties shared out as a randomised probability integral transform would.

    Plain counting calls a zero inside whenever the lower bound is zero too, and so overstates it where most demand is
    zero. Here an actual that several quantiles equal is spread evenly over the levels it may stand for.
    Source: Czado, Gneiting and Held 2009, Biometrics 65(4).
    """
    low, high = _level_range(actual, quantiles)
    inside = np.maximum(np.minimum(high, band[1]) - np.maximum(low, band[0]), 0.0)
    width = high - low
    point = (low >= band[0]) & (low <= band[1])
    return (
        float(np.where(width > 1e-9, inside / np.maximum(width, 1e-9), point).mean()) if actual.size else float("nan")
    )


def counted_coverage(actual: Floats, low: Floats, high: Floats) -> float:
    """Share of actuals with low ≤ actual ≤ high, counted plainly."""
    return float(((actual >= low) & (actual <= high)).mean()) if actual.size else float("nan")


def _level_range(actual: Floats, quantiles: Floats) -> tuple[Floats, Floats]:
    """The span of levels at which the quantile function may equal the actual: [P(demand < actual), P(≤ actual)]."""
    levels = np.array((0.0, *QUANTILES, 1.0))
    padded = np.concatenate([quantiles[..., :1] * 0.0, quantiles], axis=-1)
    below = (padded < actual[..., None] - 1e-9).sum(axis=-1)
    upto = (padded <= actual[..., None] + 1e-9).sum(axis=-1)
    tied = upto > below
    low = np.where(below > 0, levels[np.maximum(below - 1, 0)], 0.0)
    high = np.where(tied, levels[np.maximum(upto - 1, 0)], levels[np.minimum(upto, levels.size - 1)])
    return low, np.maximum(high, low)


def _share(top: float, bottom: float) -> float:
    return top / bottom if bottom > 0 else float("nan")
