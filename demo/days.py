"""The demo's calendar: when the year of receipts begins, when extracts run, and how days become moments."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl

ZONE = "America/New_York"
DAY_ZERO = date(2016, 12, 26)  # the Monday of the package's week 1
WEEKS = 53
DAYS = WEEKS * 7
LAST_DAY = DAY_ZERO + timedelta(days=DAYS - 1)

# The last receipt. Nightly extracts run at this time of day, 23:01 in the stores, and cover the 24 hours before.
LAST_RECEIPT = datetime(2018, 1, 1, 4, 1, 20, tzinfo=UTC)
FIRST_EXTRACT = LAST_RECEIPT - timedelta(days=365)
CLOCK_AT_START = LAST_RECEIPT - timedelta(days=28)
EXTRACTS = 366


def extract_number(known_at: pl.Expr) -> pl.Expr:
    """The number (from 0) of the nightly extract that first holds a row known since `known_at`."""
    late = (known_at - pl.lit(FIRST_EXTRACT)).dt.total_seconds()
    return ((late + 86_399) // 86_400).clip(0).cast(pl.Int32)


def extract_at(number: pl.Expr) -> pl.Expr:
    """The moment (UTC) at which extract `number` runs."""
    return pl.lit(FIRST_EXTRACT).cast(pl.Datetime("us", "UTC")) + pl.duration(days=number)


def extract_label(number: int) -> str:
    """The date in an extract's file name: the day whose sales most of it holds."""
    return (FIRST_EXTRACT + timedelta(days=number - 1)).strftime("%Y%m%d")


def local_on(moment: pl.Expr) -> pl.Expr:
    """The stores' date of a UTC moment."""
    return moment.dt.convert_time_zone(ZONE).dt.date()


def day_of(on: pl.Expr) -> pl.Expr:
    """Days since `DAY_ZERO`."""
    return (on - pl.lit(DAY_ZERO)).dt.total_days().cast(pl.Int32)


def on_day(day: pl.Expr) -> pl.Expr:
    """The date `day` days after `DAY_ZERO`."""
    return pl.lit(DAY_ZERO) + pl.duration(days=day)


def local_at(day: pl.Expr, minutes: pl.Expr | int) -> pl.Expr:
    """The wall clock (naive) `minutes` after midnight of `day`, in whole seconds."""
    seconds = (pl.lit(minutes) if isinstance(minutes, int) else minutes) * 60
    start = pl.lit(datetime.combine(DAY_ZERO, datetime.min.time())).cast(pl.Datetime("us"))
    return start + pl.duration(days=day, seconds=seconds.round(0).cast(pl.Int64))


def to_utc(naive: pl.Expr) -> pl.Expr:
    """The UTC moment of a wall clock in the stores; made times keep clear of the hours that summer time repeats."""
    return naive.dt.replace_time_zone(ZONE).dt.convert_time_zone("UTC")
