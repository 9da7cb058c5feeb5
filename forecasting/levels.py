"""What keeps the levels of many series honest together: births counted for what they tell, sums held to the total."""

from __future__ import annotations

import numpy as np

from forecasting.grid import Floats

BIRTH_WINDOW = 13
MIN_SERIES = 30


def calm_births(values: Floats) -> Floats:
    """The grid (series × bucket, units) with each later birth scaled to what births are followed by, never up.

    A series begins because something sold, so its first figure is chosen for being high and a level started there is
    too high for months. The factor is Σ mean of the 13 buckets after a birth ÷ Σ births, over all series born inside
    the grid; series there from its first bucket were not chosen so, and fewer than 30 births say nothing.
    """
    length = values.shape[1]
    seen = ~np.isnan(values)
    born = np.where(seen.any(axis=1), seen.argmax(axis=1), length)
    inside = np.flatnonzero((born > 0) & (born < length))
    after = born[inside][:, None] + 1 + np.arange(BIRTH_WINDOW)
    later = np.where(after < length, values[inside[:, None], np.minimum(after, length - 1)], np.nan)
    told = ~np.isnan(later)
    followed = told.any(axis=1)
    first = values[inside, born[inside]]
    if int(followed.sum()) < MIN_SERIES or first[followed].sum() <= 0:
        return values
    means = np.where(told, later, 0.0).sum(axis=1) / np.maximum(told.sum(axis=1), 1)
    out = values.copy()
    out[inside, born[inside]] = first * min(1.0, means[followed].sum() / first[followed].sum())
    return out


def total_factor(values: Floats, levels: Floats, width: int) -> float:
    """What `levels` (units a bucket, one per series) are multiplied by to sum to the last `width` buckets of `values`.

    Levels smoothed series by series must be slow, because one series is noise; their sum then lags a moving market,
    while the sum of all series is calm enough to be read off a few buckets. Like is held against like: only series
    observed in all of them count. The correction d (log of recent total ÷ sum of levels) is shrunk to
    d · d² ÷ (d² + s²), s being the standard error of the recent total told by its changes from bucket to bucket:
    a gap within the noise moves nothing. 1 where fewer than 30 series count.
    d² ÷ (d² + s²) is the share of signal in d, as in the empirical Bayes shrinkage of Efron and Morris 1973.
    """
    recent = values[:, -width:]
    whole = ~np.isnan(recent).any(axis=1)
    totals = recent[whole].sum(axis=0)
    level, summed = float(totals.mean()) if totals.size else 0.0, float(levels[whole].sum())
    if values.shape[1] < width or int(whole.sum()) < MIN_SERIES or level <= 0 or summed <= 0:
        return 1.0
    noise = float((np.diff(totals) ** 2).mean()) / 2.0 / width / level**2 if width > 1 else 0.0
    gap = np.log(level / summed)
    share = gap**2 / (gap**2 + noise) if gap else 0.0
    return float(np.exp(share * gap))
