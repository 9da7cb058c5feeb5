"""Series hidden as if they were launched at the origin: their first eight weeks against the mean of their category."""

from __future__ import annotations

import numpy as np
import polars as pl

from benchmarks.forecast_sets import OFFSETS, Panel
from benchmarks.report import Figure
from forecasting.grid import RHYTHMS
from forecasting.panel import forecast_panel

HIDDEN_SHARE = 0.1
WEEKS = 8
LIMIT = 0.85


def figures(panel: Panel, command: str, seeds: tuple[int, ...] = (1, 2, 3), *, fast: bool = False) -> list[Figure]:
    """WAPE of the launched series as a multiple of the category mean's, and what their 80 % bands cover.

    The category mean is what a planner would take: the mean of all series of the category over the recent window.
    """
    ours, means, covered = [], [], []
    for seed in seeds:
        history, ahead = launching(panel, seed)
        horizon = ahead["ds"].n_unique()
        told = forecast_panel(history, horizon=horizon, freq=panel.freq, future=ahead.drop("y"), fast=fast)
        recent = history["ds"].unique().sort()[-RHYTHMS[panel.freq].level]
        category = history.filter(pl.col("ds") >= recent).group_by("category").agg(pl.col("y").mean().alias("usual"))
        hidden = ahead.filter("is_hidden").join(told, on=["unique_id", "ds"], how="left").join(category, on="category")
        assert hidden["mean"].null_count() == 0
        total = hidden["y"].sum()
        ours.append((hidden["mean"] - hidden["y"]).abs().sum() / total)
        means.append((hidden["usual"] - hidden["y"]).abs().sum() / total)
        covered.append(hidden["y"].is_between(hidden["q10"], hidden["q90"]).mean())
    wape, peer = float(np.mean(ours)), float(np.mean(means))
    return [
        Figure(
            f"{panel.name}, launches: WAPE of {WEEKS} weeks {wape:.3f} (80 % bands cover {np.mean(covered):.2f})",
            wape / peer, "× the peer", "lower", f"category mean, {peer:.3f}", LIMIT, command,
        )
    ]  # fmt: skip


def launching(panel: Panel, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The history without a tenth of the series, and the eight weeks after it of all, flagged `is_hidden`."""
    last = panel.frame["ds"].max()
    origin = pl.Series([last]).dt.offset_by(f"-{WEEKS * 7 if panel.freq == 'D' else WEEKS}{OFFSETS[panel.freq]}")[0]
    ahead = panel.frame.filter(pl.col("ds") > origin)
    names = ahead["unique_id"].unique().sort()
    hidden = names.sample(round(HIDDEN_SHARE * len(names)), seed=seed)
    is_hidden = pl.col("unique_id").is_in(hidden.implode())
    history = panel.frame.filter(pl.col("ds") <= origin, ~is_hidden)
    return history, ahead.with_columns(is_hidden.alias("is_hidden"))
