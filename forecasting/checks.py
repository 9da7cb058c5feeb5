"""What is wrong with a panel somebody hands in: files that cannot be used, and series that need a kinder method."""

from __future__ import annotations

from datetime import date

import polars as pl

from forecasting.grid import Frequency
from tillmill.errors import UsageError

NEEDED = ("unique_id", "ds", "y")
NOTES_SCHEMA: dict[str, type[pl.DataType]] = {"unique_id": pl.String, "note": pl.String, "is_refused": pl.Boolean}
SHORT_ROWS = 4
FREQUENCY_WORDS: dict[Frequency, str] = {"D": "a day", "W": "a week", "MS": "a month's first day"}


def readable(panel: pl.DataFrame, what: str, needed: tuple[str, ...]) -> pl.DataFrame:
    """The panel with unique_id as text, ds as a date and y as a number; raises UsageError naming column and row."""
    missing = [name for name in needed if name not in panel.columns]
    if missing:
        raise UsageError(f"{what} lacks the column {', '.join(missing)} (it has {', '.join(panel.columns)})")
    out = panel.with_columns(pl.col("unique_id").cast(pl.String))
    out = _as_date(out, what)
    if "y" in needed:
        out = _as_number(out, what)
    for name in ("unique_id", "ds"):
        if out[name].null_count():
            first = out[name].is_null().arg_max()
            raise UsageError(f"{what}, row {(first or 0) + 1}: {name} is empty")
    return out


def inspect(panel: pl.DataFrame, freq: Frequency) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows to forecast from, and notes (unique_id, note, is_refused) on every series that is not plain.

    Refused, each for itself: two different values for one date, dates off the panel's rhythm, nothing observed.
    Noted and still forecast: repeated equal rows (dropped), missing dates (taken as unobserved, not as zero),
    negative values (taken as zero), constant and very short series.
    """
    deduplicated = panel
    notes: list[pl.DataFrame] = []
    if _may_repeat(panel):
        deduplicated = panel.unique(maintain_order=True)
        repeated = panel.filter(panel.is_duplicated()).select("unique_id").unique()
        notes.append(_noted(repeated, "repeated rows dropped", refused=False))
        conflicting = deduplicated.filter(pl.struct("unique_id", "ds").is_duplicated()).group_by("unique_id")
        clash = conflicting.agg(pl.col("ds").min())
        notes.append(_noted(clash, "more than one value for {ds}", refused=True))
    off = _off_rhythm(deduplicated, freq)
    notes.append(_noted(off, "{ds} is not " + FREQUENCY_WORDS[freq] + " of the panel's rhythm", refused=True))
    told = deduplicated.group_by("unique_id").agg(
        pl.col("y").count().alias("observed"),
        pl.col("y").min().alias("lowest"),
        pl.col("y").max().alias("highest"),
        (pl.col("y") < 0).sum().alias("negative"),
        pl.col("ds").min().alias("first"),
        pl.col("ds").max().alias("last"),
        pl.len().alias("rows"),
    )
    told = told.with_columns((_buckets("last", freq) - _buckets("first", freq) + 1 - pl.col("rows")).alias("missing"))
    notes += [
        _noted(told.filter(pl.col("observed") == 0), "no value at all", refused=True),
        _noted(told.filter(pl.col("missing") > 0), "{missing} dates missing, taken as unobserved", refused=False),
        _noted(told.filter(pl.col("negative") > 0), "{negative} negative values taken as zero", refused=False),
        _noted(
            told.filter(pl.col("observed").is_between(1, SHORT_ROWS - 1)),
            "only {observed} values: carried forward by smoothing",
            refused=False,
        ),
        _noted(
            told.filter((pl.col("lowest") == pl.col("highest")) & (pl.col("observed") >= SHORT_ROWS)),
            "constant at {lowest}",
            refused=False,
        ),
    ]
    table = pl.concat(notes)
    refused = table.filter("is_refused").select("unique_id").unique()
    table = table.filter(pl.col("is_refused") | ~pl.col("unique_id").is_in(refused["unique_id"].implode()))
    kept = deduplicated if refused.is_empty() else deduplicated.join(refused, on="unique_id", how="anti")
    return kept.with_columns(pl.col("y").clip(lower_bound=0)), table.sort("unique_id", "note")


def _may_repeat(panel: pl.DataFrame) -> bool:
    """Whether a series may have a date twice: not where each lies together, in the order of its dates."""
    same = (panel["unique_id"] == panel["unique_id"].shift()).fill_null(value=False)
    is_later = (panel["ds"] > panel["ds"].shift()).fill_null(value=False)
    return bool((same & ~is_later).any()) or int((~same).sum()) != panel["unique_id"].n_unique()


def _off_rhythm(panel: pl.DataFrame, freq: Frequency) -> pl.DataFrame:
    """Series with a date off the weekday most rows fall on (W) or off the first of the month (MS)."""
    if freq == "D":
        return panel.clear().select("unique_id", "ds")
    if freq == "W":
        weekdays = panel.group_by(pl.col("ds").dt.weekday().alias("weekday")).len().sort("len", "weekday")
        usual = weekdays["weekday"].to_list()[-1:] or [1]
        wrong = panel.filter(pl.col("ds").dt.weekday() != usual[0])
    else:
        wrong = panel.filter(pl.col("ds").dt.day() != 1)
    return wrong.group_by("unique_id").agg(pl.col("ds").min())


def _buckets(name: str, freq: Frequency) -> pl.Expr:
    days = pl.col(name)
    if freq == "MS":
        return days.dt.year().cast(pl.Int64) * 12 + days.dt.month().cast(pl.Int64)
    return (days - pl.lit(date(1970, 1, 5))).dt.total_days() // (7 if freq == "W" else 1)


def _noted(series: pl.DataFrame, words: str, *, refused: bool) -> pl.DataFrame:
    names = [name for name in series.columns if "{" + name + "}" in words]
    text = words
    for name in names:
        text = text.replace("{" + name + "}", "{}")
    note = pl.format(text, *names) if names else pl.lit(text)
    return series.select("unique_id", note.alias("note"), pl.lit(refused).alias("is_refused")).cast(
        {"unique_id": pl.String}
    )


def _as_date(panel: pl.DataFrame, what: str) -> pl.DataFrame:
    kind = panel.schema["ds"]
    if kind == pl.Date:
        return panel
    if isinstance(kind, pl.Datetime):
        return panel.with_columns(pl.col("ds").dt.date())
    if kind != pl.String:
        raise UsageError(f"{what}: ds holds {kind}, not dates")
    read = panel.with_columns(pl.col("ds").str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False).alias("read"))
    bad = read.with_row_index("row", offset=1).filter(pl.col("read").is_null() & pl.col("ds").is_not_null())
    if not bad.is_empty():
        raise UsageError(f"{what}, row {bad['row'][0]}: ds {bad['ds'][0]!r} is not a date like 2024-01-31")
    return read.with_columns(pl.col("read").alias("ds")).drop("read")


def _as_number(panel: pl.DataFrame, what: str) -> pl.DataFrame:
    read = panel.with_columns(pl.col("y").cast(pl.Float64, strict=False).alias("read"))
    bad = read.with_row_index("row", offset=1).filter(
        (pl.col("read").is_null() & pl.col("y").is_not_null()) | pl.col("read").is_infinite()
    )
    if not bad.is_empty():
        raise UsageError(f"{what}, row {bad['row'][0]}: y {bad['y'][0]!r} is not a number")
    return read.with_columns(pl.col("read").fill_nan(None).alias("y")).drop("read")
