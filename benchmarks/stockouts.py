"""Shelves that run empty, played over recorded demand: what is sold of it, and how well the rest is told."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.forecast_sets import Panel
from benchmarks.report import Figure
from forecasting.grid import Floats
from forecasting.history import uncensored
from forecasting.panel import panel_grid

REVIEW_DAYS = 7
SEEN_DAYS = 56
# Orders cover this many times the week that is expected: some 7 days of 100 end with an empty shelf.
COVER = 1.15
LIMIT = 0.02


def figures(panel: Panel, command: str, seeds: tuple[int, ...] = (1, 2, 3)) -> list[Figure]:
    """The bias of all demand against what was wanted, told and ignored, over some ways in which weeks fall."""
    grid, _, _ = panel_grid(
        panel.frame.with_columns(pl.col("y").cast(pl.Float64)), horizon=1, freq=panel.freq, future=None
    )
    wanted = grid.values
    told, ignored = [], []
    for seed in seeds:
        sold, is_empty = sell(wanted, seed)
        found = uncensored(grid, np.where(is_empty, sold, np.nan)).values
        kept = np.where(is_empty, found, sold)
        told.append(float(np.nansum(kept) / np.nansum(wanted) - 1))
        ignored.append(float(np.nansum(sold) / np.nansum(wanted) - 1))
    bias, lost = float(np.mean(told)), float(np.mean(ignored))
    return [
        Figure(
            f"{panel.name}, empty shelves: bias of demand (ignoring them {lost:+.3f})",
            abs(bias), "share", "lower", "to stay within", LIMIT, command,
        )
    ]  # fmt: skip


def sell(wanted: Floats, seed: int) -> tuple[Floats, NDArray[np.bool_]]:
    """What shelves sell that are filled once a week, each on a day of its own, up to `COVER` times an expected week.

    Returns units sold, and the days that ended with an empty shelf (series × day); what is not there is lost.
    """
    series, days = wanted.shape
    filled_on = np.random.default_rng(seed).integers(0, REVIEW_DAYS, series)
    sold, is_empty = wanted.copy(), np.zeros(wanted.shape, dtype=bool)
    stock = np.zeros(series)
    for day in range(days):
        seen = wanted[:, max(0, day - SEEN_DAYS) : day + 1]
        known = ~np.isnan(seen)
        expected = np.where(known, seen, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        up_to = np.ceil(expected * REVIEW_DAYS * COVER + 1)
        stock = np.where((day + filled_on) % REVIEW_DAYS == 0, np.maximum(stock, up_to), stock)
        open_today = ~np.isnan(wanted[:, day])
        sold[:, day] = np.where(open_today, np.minimum(wanted[:, day], stock), np.nan)
        stock -= np.nan_to_num(sold[:, day])
        is_empty[:, day] = open_today & (stock <= 0)
    return sold, is_empty
