"""M5 at full size, generated: 30,490 daily series of item × store over three years, from a long panel to a forecast."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from datetime import date, timedelta

import numpy as np
import polars as pl

from benchmarks.report import Figure
from forecasting.grid import Floats, Ints
from forecasting.panel import forecast_panel

SERIES, DAYS, HORIZON = 3_000 if os.environ.get("QUICK") else 30_490, 1_096, 28
FIRST_ON = date(2013, 1, 1)
MOST_MINUTES, MOST_GIB = 15.0, 8.0
STORES, DEPARTMENTS = 10, 7


def figures(command: str) -> list[Figure]:
    """Minutes and the most memory held, of a process that does nothing else."""
    done = subprocess.run([sys.executable, "-m", "benchmarks.forecast_large"], check=True, stdout=subprocess.PIPE)
    told = json.loads(done.stdout.splitlines()[-1])
    words = f"{SERIES:,} daily series × three years"
    return [
        Figure(f"{words}, from panel to forecast", told["seconds"] / 60, "minutes", "lower", "", MOST_MINUTES, command),
        Figure(f"{words}, most memory held", told["gib"], "GiB", "lower", "", MOST_GIB, command),
    ]


def large_panel(series: int = SERIES, days: int = DAYS, horizon: int = HORIZON) -> tuple[pl.DataFrame, pl.DataFrame]:
    """History and plan of counted sales as M5's are: most series sell on few days, with weeks, a year, prices, events.

    Levels are log-normal so that two series in three have more days without a sale than with one; a tenth is born on
    the way. Seeded: the same panel each time.
    """
    generator = np.random.default_rng(5)
    whole = days + horizon
    item = np.arange(series) // STORES
    store = np.arange(series) % STORES
    department = item * DEPARTMENTS // (int(item.max()) + 1)
    day = np.arange(whole)
    week = np.array([0.9, 0.85, 0.85, 0.9, 1.0, 1.3, 1.2])[day % 7]
    event = (generator.random(whole) < 0.03).astype(np.float64)
    market = week * (1 + 0.15 * np.sin(2 * np.pi * day / 365.25)) * (1 + 0.2 * event)
    level = np.exp(generator.normal(-0.6, 1.2, series))
    usual = np.exp(generator.normal(1.2, 0.6, series))
    starts = np.where(generator.random(series) < 0.1, generator.integers(0, days - 90, series), 0)
    values = np.empty((series, days))
    price = np.empty((series, whole))
    for row in range(series):
        cut = np.repeat(generator.random(-(-whole // 7)) < 0.08, 7)[:whole]
        price[row] = usual[row] * np.where(cut, 0.8, 1.0)
        drift = np.exp(np.cumsum(generator.normal(0.0, 0.01, whole)))
        mean = level[row] * market * drift * np.where(cut, 1.8, 1.0)
        values[row] = generator.poisson(mean[:days] * generator.gamma(4.0, 0.25, days))
        values[row, : starts[row]] = np.nan
    static = {"store": store, "department": department, "item": item}
    return (
        _long(slice(0, days), {"y": values, "price": price[:, :days]}, event, static).filter(pl.col("y").is_not_nan()),
        _long(slice(days, whole), {"price": price[:, days:]}, event, static),
    )


def _long(buckets: slice, wide: dict[str, Floats], event: Floats, static: dict[str, Ints]) -> pl.DataFrame:
    """A row per series and day of what is series × day in `wide`."""
    count, days = next(iter(wide.values())).shape[0], buckets.stop - buckets.start
    names = pl.Series([f"{number:05d}" for number in range(count)])
    dates = pl.Series([FIRST_ON + timedelta(days=day) for day in range(buckets.start, buckets.stop)])
    row = np.repeat(np.arange(count), days)
    return pl.DataFrame(
        {
            "unique_id": names.gather(row),
            "ds": dates.gather(np.tile(np.arange(days), count)),
            **{name: figures.ravel() for name, figures in wide.items()},
            "event": np.tile(event[buckets], count),
            **{name: codes[row] for name, codes in static.items()},
        }
    )


def main() -> None:
    """Prints seconds and the most memory held (GiB) as JSON; making the panel is left out of the seconds."""
    history, plan = large_panel()
    started = time.perf_counter()
    forecast = forecast_panel(history, horizon=HORIZON, freq="D", future=plan)
    seconds = time.perf_counter() - started
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(json.dumps({"series": forecast["unique_id"].n_unique(), "seconds": seconds, "gib": held}))


if __name__ == "__main__":
    main()
