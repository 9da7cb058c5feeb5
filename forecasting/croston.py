"""Croston's method and its two better children, SBA and TSB, for demand that comes now and then."""

from __future__ import annotations

import numpy as np

from forecasting.grid import Floats


def croston(values: Floats, alpha: float = 0.1) -> Floats:
    """Demand per bucket (one figure per series) by Croston's method: smoothed size ÷ smoothed interval.

    Both start at the first demand (its size; its position counted from one). Unobserved cells (NaN) pass without
    moving the interval. Source: Croston 1972, Operational Research Quarterly 23(3).
    """
    size, interval = _size_and_interval(values, alpha)
    return np.asarray(np.where(size > 0, size / interval, 0.0))


def sba(values: Floats, alpha: float = 0.1) -> Floats:
    """Croston's figure times 1 - alpha/2, which removes most of its bias.

    Source: Syntetos and Boylan 2005, International Journal of Forecasting 21(2).
    """
    return np.asarray((1.0 - alpha / 2.0) * croston(values, alpha))


def tsb(values: Floats, alpha: float = 0.1, beta: float = 0.1) -> Floats:
    """Demand per bucket: smoothed size times the smoothed chance of a demand, which falls while nothing sells.

    `alpha` smooths the size, `beta` the chance. The chance starts at the share with demand of the first ten buckets
    that were observed. Source: Teunter, Syntetos and Babai 2011, European Journal of Operational Research 214(3).
    """
    count, length = values.shape
    size = np.zeros(count)
    observed = ~np.isnan(values)
    first = observed & (observed.cumsum(axis=1) <= 10)
    chance = (first & (np.nan_to_num(values) > 0)).sum(axis=1) / np.maximum(first.sum(axis=1), 1)
    for step in range(length):
        now = values[:, step]
        seen = ~np.isnan(now)
        hit = seen & (np.nan_to_num(now) > 0)
        size = np.where(hit, np.where(size > 0, size + alpha * (now - size), now), size)
        chance = np.where(seen, chance + beta * (hit - chance), chance)
    return np.asarray(size * chance)


def _size_and_interval(values: Floats, alpha: float) -> tuple[Floats, Floats]:
    count, length = values.shape
    size = np.zeros(count)
    interval = np.ones(count)
    waited = np.ones(count)
    for step in range(length):
        now = values[:, step]
        seen = ~np.isnan(now)
        hit = seen & (np.nan_to_num(now) > 0)
        first = hit & (size == 0)
        later = hit & ~first
        interval = np.where(first, waited, np.where(later, interval + alpha * (waited - interval), interval))
        size = np.where(first, now, np.where(later, size + alpha * (now - size), size))
        waited = np.where(hit, 1.0, waited + seen)
    return size, interval
