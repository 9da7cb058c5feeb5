"""The forecasting room's working form: every series on one shared row of time buckets, as matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# Feature matrices are large and need no more than seven digits.
Matrix = NDArray[np.float32]
Frequency = Literal["D", "W", "MS"]
Part = Literal["price", "promotion", "festival", "other"]

SEED = 20_160
FEWEST_SERIES = 100
QUANTILES: tuple[float, ...] = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95)
QUANTILE_COLUMNS: tuple[str, ...] = ("q05", "q10", "q25", "q50", "q75", "q90", "q95")


@dataclass(frozen=True)
class Rhythm:
    """How a frequency is looked at: window lengths in buckets, the short season, the length of a year."""

    windows: tuple[int, ...]
    level: int
    short_season: int
    year: int
    year_blur: int
    dead_after: int


RHYTHMS: Mapping[Frequency, Rhythm] = {
    "D": Rhythm(windows=(7, 14, 28, 56, 182), level=28, short_season=7, year=364, year_blur=3, dead_after=91),
    "W": Rhythm(windows=(2, 4, 8, 13, 26), level=13, short_season=1, year=52, year_blur=1, dead_after=13),
    "MS": Rhythm(windows=(2, 3, 6, 12), level=6, short_season=1, year=12, year_blur=0, dead_after=6),
}


@dataclass(frozen=True)
class Grid:
    """`values` is series × bucket, NaN where demand could not be observed; `known` reaches `ahead` buckets further.

    `reach` says of a known column how many buckets after an origin it is planned; all of them where it is not named.
    """

    keys: pl.DataFrame
    freq: Frequency
    first_on: date
    values: Floats
    ahead: int
    static: Mapping[str, Ints]
    known: Mapping[str, Floats]
    known_part: Mapping[str, Part]
    past: Mapping[str, Floats]
    reach: Mapping[str, int] = field(default_factory=dict)

    def is_planned(self, name: str, step: int) -> bool:
        """Whether the column is known `step` buckets after an origin."""
        return step <= self.reach.get(name, step)

    @property
    def count(self) -> int:
        return int(self.values.shape[0])

    @property
    def length(self) -> int:
        return int(self.values.shape[1])

    @property
    def rhythm(self) -> Rhythm:
        return RHYTHMS[self.freq]

    def cut(self, length: int) -> Grid:
        """The grid as it stood after its first `length` buckets; the plan for the buckets after them stays known."""
        return replace(
            self,
            values=self.values[:, :length],
            known={name: values[:, : length + self.ahead] for name, values in self.known.items()},
            past={name: values[:, :length] for name, values in self.past.items()},
        )

    def take(self, rows: Ints) -> Grid:
        """The grid of some of its series."""
        return replace(
            self,
            keys=self.keys[rows],
            values=self.values[rows],
            static={name: codes[rows] for name, codes in self.static.items()},
            known={name: values[rows] for name, values in self.known.items()},
            past={name: values[rows] for name, values in self.past.items()},
        )

    def bucket_on(self, index: int) -> date:
        """The first day of bucket `index`."""
        if self.freq == "MS":
            months = self.first_on.year * 12 + self.first_on.month - 1 + index
            return date(months // 12, months % 12 + 1, 1)
        return self.first_on + timedelta(days=index * (7 if self.freq == "W" else 1))


def bucket_index(days: pl.Expr, first_on: date, freq: Frequency) -> pl.Expr:
    """The bucket number of a date column, counted from `first_on` (whole buckets only)."""
    if freq == "MS":
        months = days.dt.year().cast(pl.Int64) * 12 + days.dt.month().cast(pl.Int64)
        return months - (first_on.year * 12 + first_on.month)
    return (days - pl.lit(first_on)).dt.total_days() // (7 if freq == "W" else 1)


def matrix(count: int, length: int, rows: pl.Series, columns: pl.Series, values: pl.Series, fill: float) -> Floats:
    """Scatters a long column into a `count` × `length` matrix; cells that no row names hold `fill`."""
    out = np.full((count, length), fill, dtype=np.float64)
    inside = ((columns >= 0) & (columns < length)).to_numpy()
    cells = values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    out[rows.to_numpy()[inside], columns.to_numpy()[inside]] = cells[inside]
    return out


def drawn_series(grid: Grid, most: int) -> Ints:
    """All series, or `most` of them, though never fewer than `FEWEST_SERIES`, drawn by a seed; in order."""
    most = max(FEWEST_SERIES, most)
    if grid.count <= most:
        return np.arange(grid.count)
    return np.sort(np.random.default_rng(SEED).choice(grid.count, most, replace=False))


def carried(values: Floats) -> Floats:
    """Each row with its gaps filled by the figure before them; what comes before the first figure stays NaN."""
    position = np.maximum.accumulate(np.where(np.isnan(values), 0, np.arange(values.shape[1])), axis=1)
    return np.asarray(values[np.arange(values.shape[0])[:, None], position])


def codes(values: pl.Series) -> Ints:
    """Numbers a text column by sorted distinct value, so that the same data give the same codes.

    No value is a value of its own, the last.
    """
    distinct = values.drop_nulls().unique().sort()
    numbers = pl.Series(range(distinct.len()), dtype=pl.Int64)
    numbered = values.replace_strict(distinct, numbers, default=distinct.len())
    return np.asarray(numbered.cast(pl.Int64).to_numpy(), dtype=np.int64)


@cache
def part_of(name: str) -> Part:
    """Which part of a forecast a known-ahead column explains, read from the words in its name."""
    words: Sequence[tuple[Part, tuple[str, ...]]] = (
        ("promotion", ("promo", "discount", "display", "feature", "mailer", "tpr", "markdown", "coupon", "deal")),
        ("price", ("price",)),
        ("festival", ("holiday", "festival", "event")),
    )
    lowered = name.lower()
    for part, marks in words:
        if any(mark in lowered for mark in marks):
            return part
    return "other"
