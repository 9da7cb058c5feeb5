"""Exponential smoothing, seasonal indices and naive forecasts, for all series at once."""

from __future__ import annotations

import numpy as np

from forecasting.grid import Floats, Rhythm

ALPHAS: tuple[float, ...] = (0.05, 0.1, 0.2, 0.35, 0.5)


def windowed_mean(values: Floats, width: int) -> Floats:
    """Mean of the last `width` observed cells of each row's tail (series); 0 where the tail holds none."""
    tail = values[:, -width:]
    seen = ~np.isnan(tail)
    count = seen.sum(axis=1)
    total = np.where(seen, tail, 0.0).sum(axis=1)
    return np.asarray(total / np.maximum(count, 1))


def smoothed_level(values: Floats, alpha: float) -> tuple[Floats, Floats]:
    """Last exponentially smoothed level of each series and its mean squared one-step error.

    Unobserved cells leave the level as it was. The level starts at the first observation.
    Source: Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., 8.1.
    """
    count, length = values.shape
    level = np.full(count, np.nan)
    squares = np.zeros(count)
    errors = np.zeros(count)
    for step in range(length):
        now = values[:, step]
        seen = ~np.isnan(now)
        fresh = seen & np.isnan(level)
        going = seen & ~fresh
        gap = np.where(going, now - level, 0.0)
        squares += gap**2
        errors += going
        level = np.where(fresh, now, np.where(going, level + alpha * gap, level))
    return np.nan_to_num(level), squares / np.maximum(errors, 1)


def smoothed_path(values: Floats, alpha: float) -> Floats:
    """The exponentially smoothed level after every bucket (series × bucket), NaN before the first observation."""
    out = np.full(values.shape, np.nan)
    level = np.full(values.shape[0], np.nan)
    for step in range(values.shape[1]):
        now = values[:, step]
        level = np.where(np.isnan(level), now, np.where(np.isnan(now), level, level + alpha * (now - level)))
        out[:, step] = level
    return out


def best_smoothed_level(values: Floats) -> Floats:
    """Smoothed level of each series with the alpha of `ALPHAS` whose one-step error was least."""
    levels = []
    errors = []
    for alpha in ALPHAS:
        level, error = smoothed_level(values, alpha)
        levels.append(level)
        errors.append(error)
    best = np.argmin(np.stack(errors), axis=0)
    return np.asarray(np.stack(levels)[best, np.arange(values.shape[0])])


def short_season_indices(values: Floats, season: int, *, cycles: int = 8) -> Floats:
    """Multiplicative index of each phase (series × season), phase 0 being the bucket after the last.

    Means over the last `cycles` seasons, pulled towards the indices of all series together by two cycles' weight.
    """
    count, length = values.shape
    if season <= 1 or length < 2 * season:
        return np.ones((count, max(season, 1)))
    span = min(cycles, length // season) * season
    tail = values[:, length - span :].reshape(count, -1, season)
    seen = ~np.isnan(tail)
    totals = np.where(seen, tail, 0.0).sum(axis=1)
    counts = seen.sum(axis=1)
    level = totals.sum(axis=1) / np.maximum(counts.sum(axis=1), 1)
    pooled = totals.sum(axis=0) / np.maximum((counts * level[:, None]).sum(axis=0), 1e-12)
    pooled = np.where(pooled > 0, pooled, 1.0)
    pooled = pooled / pooled.mean()
    shrunk = (totals + 2.0 * level[:, None] * pooled) / np.maximum((counts + 2.0) * level[:, None], 1e-12)
    indices = np.where(level[:, None] > 0, shrunk, 1.0)
    return np.asarray(indices / np.maximum(indices.mean(axis=1, keepdims=True), 1e-12))


def exponential_smoothing(values: Floats, horizon: int, rhythm: Rhythm) -> Floats:
    """Forecast (series × horizon): the best smoothed level of the deseasonalised series times its season."""
    season = rhythm.short_season
    length = values.shape[1]
    indices = short_season_indices(values, season)
    phase_back = (np.arange(length) - length) % season
    phase_ahead = np.arange(horizon) % season
    safe = np.maximum(indices, 0.1)
    level = best_smoothed_level(values / safe[:, phase_back])
    return np.asarray(level[:, None] * safe[:, phase_ahead])


def seasonal_naive(values: Floats, horizon: int, season: int) -> Floats:
    """The value one season before each target (the last observed one where no season exists): the benchmark."""
    length = values.shape[1]
    last = last_observed(values)
    out = np.repeat(last[:, None], horizon, axis=1)
    if season <= 1:
        return out
    for step in range(horizon):
        source = length + step
        while source >= length:
            source -= season
        if source >= 0:
            then = values[:, source]
            out[:, step] = np.where(np.isnan(then), last, then)
    return out


def last_observed(values: Floats) -> Floats:
    """The latest observed value of each series; 0 where there is none."""
    count, length = values.shape
    seen = ~np.isnan(values)
    position = length - 1 - np.argmax(seen[:, ::-1], axis=1)
    last = values[np.arange(count), position]
    return np.where(seen.any(axis=1), np.nan_to_num(last), 0.0)


def moving_average(values: Floats, horizon: int, width: int) -> Floats:
    """The mean of the last `width` observed values, repeated."""
    return np.repeat(windowed_mean(values, width)[:, None], horizon, axis=1)
