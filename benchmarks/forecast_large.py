"""M5 at full size, generated: 30,490 daily series of item × store over three years, forecast in one process."""

from __future__ import annotations

import resource
import time
from datetime import date

import numpy as np
import polars as pl

from forecasting.engine import forecast_grid
from forecasting.grid import Floats, Grid

SERIES, DAYS, HORIZON = 30_490, 1_096, 28
STORES, DEPARTMENTS = 10, 7


def large_grid(series: int = SERIES, days: int = DAYS, horizon: int = HORIZON) -> Grid:
    """Counted sales as M5's are: most series sell on few days, with weeks, a year, promotion prices and events.

    Levels are log-normal so that two series in three have more days without a sale than with one; a tenth is born on
    the way. Seeded: the same grid each time.
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
    wide: Floats = np.broadcast_to(event, (series, whole))
    return Grid(
        keys=pl.DataFrame({"unique_id": [f"{number:05d}" for number in range(series)]}),
        freq="D",
        first_on=date(2013, 1, 1),
        values=values,
        ahead=horizon,
        static={"store": store, "department": department, "item": item},
        known={"event": wide, "price": price},
        known_part={"event": "festival", "price": "price"},
        past={},
    )


def main() -> None:
    """Prints seconds and the most memory the process held (GiB), making the grid left out of the seconds."""
    grid = large_grid()
    started = time.perf_counter()
    outcome = forecast_grid(grid, HORIZON)
    seconds = time.perf_counter() - started
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"{outcome.mean.shape[0]} series, {seconds:.0f} s, {held:.2f} GiB")


if __name__ == "__main__":
    main()
