"""Forecasts of public sets against the peers', side by side in one run: accuracy, quantiles, coherence and time."""

from __future__ import annotations

import json
import math
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl

from benchmarks import forecast_large, launches, stockouts
from benchmarks import forecast_metrics as metrics
from benchmarks.forecast_sets import ORIGINS, SHARED, Panel, all_sets
from benchmarks.report import Figure, report
from forecasting.grid import QUANTILE_COLUMNS
from forecasting.panel import forecast_panel

COMMAND = "make bench-forecast"
# Seven of a peer's nine fits are its quantiles: MEANS=1 leaves them out.
MEANS = bool(os.environ.get("MEANS"))
PEER_PYTHON = Path(".venv-bench/bin/python")
PANDAS_OFFSETS = {"D": "D", "MS": "MS"}
MODELS = ("recursive", "direct")
POINTS = (*MODELS, "SeasonalNaive", "CrostonSBA")
QUANTILES = ("trailing",) if MEANS else ("quantiles", "trailing")
OURS, FAST = "ours", "ours, fast"
# Set → (metric, what the figure is called, limit as a multiple of the peer's).
PROMISES: dict[str, tuple[tuple[str, str, float], ...]] = {
    "M5 store × department": (("wrmsse", "mean WRMSSE of levels 1-9", 0.93),),
    "M5 280 items": (
        ("weighted_rmsse", "weighted RMSSE", 0.96),
        ("rmsse", "mean RMSSE", 0.96),
        ("wape", "WAPE", 0.96),
    ),
    "Breakfast at the Frat": (("wape", "WAPE", 0.92),),
    "Stallion": (("wape", "WAPE", 0.95),),
    "Walmart": (("wape", "WAPE", 0.95),),
}
# Sets of which a tenth of the series is also launched, as if nothing of them were known.
LAUNCHING = ("M5 280 items", "Breakfast at the Frat")
QUANTILE_LIMIT, BAND, TIME_LIMIT = 0.95, (0.77, 0.83), 3.0


@dataclass
class Tally:
    """Figures of one set: forecaster → metric → one figure an origin."""

    values: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def add(self, who: str, figures: dict[str, float]) -> None:
        for name, value in figures.items():
            self.values.setdefault(who, {}).setdefault(name, []).append(value)

    def mean(self, who: str, metric: str) -> float:
        """The mean over the origins."""
        told = self.values[who][metric]
        return sum(told) / len(told)

    def best(self, peers: tuple[str, ...], metric: str) -> str:
        """The peer with the least mean."""
        return min(peers, key=lambda peer: self.mean(peer, metric))


def main() -> None:
    """Every set; SETS=frat,large takes some, ORIGINS=9 more than the three newest, MEANS=1 no quantile models."""
    if not SHARED.exists():
        print("../shared/data is not here: forecasts of public sets are left out")
        return
    wanted = [name.strip().lower() for name in os.environ.get("SETS", "").split(",") if name.strip()]
    origins = int(os.environ.get("ORIGINS", 1 if os.environ.get("QUICK") else ORIGINS))
    figures: list[Figure] = []
    for panel in all_sets():
        if not wanted or any(name in panel.name.lower() for name in wanted):
            tally = measure(panel, origins)
            figures += told(panel, tally)
            if panel.name == "M5 280 items":
                figures += stockouts.figures(panel, COMMAND)
            if panel.name in LAUNCHING:
                figures += launches.figures(panel, COMMAND)
            report(f"forecast, {panel.name}, {origins} origins", figures_of_each(tally))
    if not wanted or "large" in wanted:
        figures += forecast_large.figures(COMMAND)
    report("forecast", figures)


def measure(panel: Panel, origins: int) -> Tally:
    """All forecasters' figures at each origin, on the same rows."""
    tally = Tally()
    for origin in panel.origins(origins):
        history, ahead = panel.split(origin)
        forecasts, seconds = peers_of(panel, origin, history, ahead)
        plan = ahead.select("unique_id", "ds", *panel.known)
        for who in (OURS, FAST):
            started = time.perf_counter()
            forecasts[who] = forecast_panel(
                history, horizon=panel.horizon, freq=panel.freq, future=plan, fast=who == FAST
            )
            seconds[who] = time.perf_counter() - started
        for who, forecast in forecasts.items():
            tally.add(who, scored(panel, history, ahead, forecast, who))
        for who, spent in seconds.items():
            tally.add(who, {"seconds": spent})
    return tally


def peers_of(
    panel: Panel, origin: date, history: pl.DataFrame, ahead: pl.DataFrame
) -> tuple[dict[str, pl.DataFrame], dict[str, float]]:
    """The peers' forecasts and seconds, from a child process that has none of our code."""
    weekday = origin.strftime("%a").upper()
    offset = f"W-{weekday}" if panel.freq == "W" else PANDAS_OFFSETS[panel.freq]
    task = {
        "freq": panel.freq,
        "offset": offset,
        "horizon": panel.horizon,
        "static": list(panel.static),
        "known": list(panel.known),
        "with_quantiles": not MEANS,
    }
    with tempfile.TemporaryDirectory(prefix="bench-forecast-") as name:
        folder = Path(name)
        (folder / "task.json").write_text(json.dumps(task))
        history.write_parquet(folder / "history.parquet")
        ahead.drop("y").write_parquet(folder / "future.parquet")
        command = [str(PEER_PYTHON), "benchmarks/forecast_peers.py", name]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        rows = pl.read_parquet(folder / "peers.parquet")
    seconds: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return {str(who): part for (who,), part in rows.group_by("peer")}, seconds


def scored(
    panel: Panel, history: pl.DataFrame, ahead: pl.DataFrame, forecast: pl.DataFrame, who: str
) -> dict[str, float]:
    """The figures that a forecaster's columns allow; a row it did not forecast stops the run."""
    columns = [name for name in ("mean", *QUANTILE_COLUMNS) if name in forecast.columns]
    joined = ahead.join(forecast.select("unique_id", "ds", *columns), on=["unique_id", "ds"], how="left")
    figures: dict[str, float] = {}
    if who not in QUANTILES:
        if who in POINTS[2:]:
            # They say nothing of a series shorter than a season.
            joined = joined.drop_nulls("mean").filter(pl.col("mean").is_not_nan())
        missing = joined["mean"].null_count()
        if missing:
            raise SystemExit(f"{panel.name}: {who} left out {missing} of {joined.height} rows")
        figures |= metrics.point_scores(history, joined)
        if "department" in panel.static and panel.name.startswith("M5 store"):
            weights = metrics.m5_weights(SHARED / "demand/m5/scorer_weights.parquet")
            levels = metrics.wrmsse(history, ahead, joined, weights)
            figures["wrmsse"] = sum(levels) / len(levels)
    if who in (*QUANTILES, OURS, FAST):
        figures |= metrics.quantile_scores(joined)
    return figures


def told(panel: Panel, tally: Tally) -> list[Figure]:
    """The set's promises as ratios to the better peer, with the limits they are held to."""
    figures = []
    for metric, words, limit in PROMISES[panel.name]:
        peer = tally.best(MODELS, metric)
        ours, theirs = tally.mean(OURS, metric), tally.mean(peer, metric)
        simple = ", ".join(f"{name} {tally.mean(name, metric):.3f}" for name in POINTS[2:])
        words = f"{panel.name}, {words} {ours:.3f}"
        figures.append(_ratio(words, ours / theirs, f"LightGBM, {peer}, {theirs:.3f}; {simple}", limit))
    better = tally.best(QUANTILES, "loss")
    ours, theirs = tally.mean(OURS, "loss"), tally.mean(better, "loss")
    words = f"{panel.name}, weighted quantile loss {ours:.3f}"
    figures.append(_ratio(words, ours / theirs, f"{better}, {theirs:.3f}", QUANTILE_LIMIT))
    figures.append(
        Figure(
            f"{panel.name}, an 80 % band covers",
            tally.mean(OURS, "coverage"),
            "of what came",
            f"{BAND[0]} to {BAND[1]}",
            f"{better}: {tally.mean(better, 'coverage'):.3f}",
            0.8,
            COMMAND,
        )
    )
    metric, words, _ = PROMISES[panel.name][0]
    peer = tally.best(MODELS, metric)
    theirs = tally.mean(peer, "seconds")
    for who, limit in ((OURS, TIME_LIMIT), (FAST, 1.0)):
        spent = tally.mean(who, "seconds")
        told_by = f"LightGBM, {peer}, means alone, {theirs:.1f} s"
        figures.append(_ratio(f"{panel.name}, {who}, {spent:.1f} s", spent / theirs, told_by, limit))
    fast, theirs = tally.mean(FAST, metric), tally.mean(peer, metric)
    words = f"{panel.name}, {FAST}, {words} {fast:.3f}"
    figures.append(_ratio(words, fast / theirs, f"LightGBM, {peer}, {theirs:.3f}", 1.0))
    return figures


def figures_of_each(tally: Tally) -> list[Figure]:
    """Every peer's figures at every origin, newest first, beside ours."""
    figures = []
    ours = tally.values[OURS]
    for who, metrics_of in sorted(tally.values.items()):
        for metric, values in sorted(metrics_of.items()):
            for number, theirs in enumerate(values):
                if who != OURS and metric in ours and not math.isnan(theirs):
                    words = f"{metric}, origin {number + 1}"
                    figures.append(Figure(words, ours[metric][number], "", "", who, theirs, COMMAND))
    return figures


def _ratio(words: str, ratio: float, peer: str, limit: float) -> Figure:
    return Figure(words, ratio, "× the peer", "lower", peer, limit, COMMAND)


if __name__ == "__main__":
    main()
