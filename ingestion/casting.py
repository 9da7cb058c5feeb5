"""Text becomes the contract's type, or says why it cannot; nothing is guessed and nothing is silently cut."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import polars as pl

# In order of how often they are met; a text is read by the first that fits it wholly.
NAIVE_FORMATS = (
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y/%m/%dT%H:%M:%S",
    "%Y/%m/%dT%H:%M",
    "%Y%m%d%H%M%S",
    "%Y%m%dT%H%M%S",
)
DATE_FORMATS = ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d")
EPOCHS = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}
# Days before 1970 from which spreadsheets count, in either of their bases; cells not formatted as dates hold the count.
SERIALS = {"excel_1900": 25_569, "excel_1904": 24_107}
DAY_MS = 86_400_000
MOST_DAYS = 2_958_466
MOST_MICROS = 1 << 63
EXACT = pl.Decimal(38, 10)
LARGEST = Decimal(10) ** 27
BOOLEANS = {"true": True, "1": True, "yes": True, "y": True, "t": True} | {
    "false": False,
    "0": False,
    "no": False,
    "n": False,
    "f": False,
}
ZONED = r"(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})$"
NOT_PLAIN = r"[^\x21-\x7e]"
# A number as people write it, by its decimal sign: what sets thousands apart stands between groups of three, or it is
# no number. Blanks are plain ones by then, and so is a full-width comma.
WRITTEN = {
    sign: rf"^[+-]?(?:[0-9]+|[0-9]{{1,3}}(?:(?:{re.escape(other)}[0-9]{{3}})+|(?: [0-9]{{3}})+|(?:['’][0-9]{{3}})+))"
    rf"(?:{re.escape(sign)}[0-9]+)?$"
    for sign, other in ((",", "."), (".", ","))
}
NO_NUMBER = "is not a number that fits"
SEPARATED = r"[, '’]|\..*\."
SAY_DECIMAL = f"{NO_NUMBER}: say decimal = ',' or '.' for its field"
GIVE_FORMAT = ": give its field a format"


@dataclass
class Cast:
    """A column in its type, where it failed and why, and the oddities seen on the way (flag name to mask).

    Of what failed, `hinted` is what the mapping can be told to read, and `hint` says why it failed and how.
    """

    values: pl.Series
    failed: pl.Series | None = None
    why: str = ""
    notes: dict[str, pl.Series] = field(default_factory=dict)
    hinted: pl.Series | None = None
    hint: str = ""


@dataclass(frozen=True)
class Reading:
    """How a source writes a column: the zone of its naive times, a date format, a factor for minor units, the decimal
    sign where thousands are set apart or the sign is a comma."""

    timezone: str = "UTC"
    format: str | None = None
    scale: Decimal | None = None
    to_business_date: bool = False
    decimal: str | None = None


def cast(values: pl.Series, dtype: pl.DataType, reading: Reading, is_identifier: bool = False) -> Cast:
    """The column as `dtype`. `is_identifier` text is trimmed and brought to one Unicode form (NFKC)."""
    text = values if values.dtype == pl.String else values.cast(pl.String)
    if dtype == pl.String:
        return identifier(text) if is_identifier else Cast(empty_to_null(text))
    text = empty_to_null(plain(text))
    written = digits(text, reading.decimal) if reading.decimal and dtype.is_numeric() else text
    casts: dict[type[pl.DataType], Callable[[], Cast]] = {
        pl.Datetime: lambda: timestamp(text, reading),
        pl.Date: lambda: date(text, reading),
        pl.Float64: lambda: number(written, reading.scale),
        pl.Int64: lambda: whole(written),
        pl.Boolean: lambda: boolean(text),
    }

    found = decimal(written, dtype, reading.scale) if isinstance(dtype, pl.Decimal) else casts[type(dtype)]()
    if written is not text:
        found.failed = _lost(text, found.values)
    return found if found.failed is None else _hinted(found, text, dtype, reading)


def _hinted(found: Cast, text: pl.Series, dtype: pl.DataType, reading: Reading) -> Cast:
    """What failed, with what the mapping could say so that it is read."""
    if dtype.is_numeric() and reading.decimal is None:
        is_written = text.str.contains(WRITTEN[","]) | text.str.contains(WRITTEN["."])
        found.hinted, found.hint = is_written & text.str.contains(SEPARATED), SAY_DECIMAL
    elif dtype.is_numeric() and reading.decimal is not None:
        other = "." if reading.decimal == "," else ","
        # What is written in both ways failed for its size.
        found.hinted = text.str.contains(WRITTEN[other]) & ~text.str.contains(WRITTEN[reading.decimal])
        found.hint = f"{NO_NUMBER}: say decimal = {other!r} for its field, not {reading.decimal!r}"
    elif dtype.is_temporal() and reading.format is None and "skip" not in found.why:
        found.hinted, found.hint = text.str.contains("[0-9]"), found.why + GIVE_FORMAT
    if found.hinted is not None:
        found.hinted = found.hinted.fill_null(False) & found.failed
    return found


def digits(text: pl.Series, sign: str) -> pl.Series:
    """Numbers in plain digits, out of those written with this decimal sign; null for what is not written so."""
    other = r"[ .'’]" if sign == "," else r"[ ,'’]"
    plain_form = text.str.replace_all(other, "").str.replace(sign, ".", literal=True)
    frame = pl.DataFrame({"text": text, "plain": plain_form})
    return frame.select(pl.when(pl.col("text").str.contains(WRITTEN[sign])).then("plain")).to_series()


def empty_to_null(text: pl.Series) -> pl.Series:
    """Empty text is no value: the one thing CSV cannot tell apart."""
    if not (text.str.len_bytes() == 0).any():
        return text
    return text.to_frame("text").select(pl.when(pl.col("text") != "").then("text")).to_series()


def plain(text: pl.Series) -> pl.Series:
    """Trimmed, and full-width digits as plain ones, where anything needs it."""
    if not text.str.contains(NOT_PLAIN).any():
        return text
    if not (text.str.len_bytes() == text.str.len_chars()).all():
        text = text.str.normalize("NFKC")
    return text.str.strip_chars()


def identifier(text: pl.Series) -> Cast:
    """One form per identifier: NFKC, no outer blanks, no control characters; noted where more than blanks changed."""
    if not text.str.contains(NOT_PLAIN).any():
        return Cast(empty_to_null(text))
    trimmed = text.str.strip_chars()
    unified = trimmed.str.normalize("NFKC").str.replace_all(r"\p{Cc}", "").str.strip_chars()
    changed = (unified != trimmed).fill_null(False)
    return Cast(empty_to_null(unified), notes={"normalised": changed} if changed.any() else {})


def decimal(text: pl.Series, dtype: pl.Decimal, scale: Decimal | None) -> Cast:
    """A decimal number; digits beyond the column's scale are rounded half to even and noted."""
    scaled = text if scale is None else _times(text, scale)
    values = scaled.cast(dtype, strict=False)
    rounded = scaled.str.contains(rf"\.[0-9]{{{dtype.scale}}}[0-9]*[1-9]").fill_null(False)
    # Lost is what had a value in the source, and not only after it was multiplied.
    return Cast(values, _lost(text, values), NO_NUMBER, {"rounded": rounded} if rounded.any() else {})


def _times(text: pl.Series, scale: Decimal) -> pl.Series:
    """Each number times the factor, as text; null for what is none, or too large for any column."""
    exact = text.cast(EXACT, strict=False)
    if abs(scale) > 1:
        # A product that overflows would stop the whole stream, and not its row alone.
        exact = _below(exact, LARGEST / abs(scale))
    return (exact * pl.Series([scale], dtype=EXACT)).cast(pl.String)


def number(text: pl.Series, scale: Decimal | None) -> Cast:
    """A finite number; NaN and Infinity are not numbers."""
    values = text.cast(pl.Float64, strict=False)
    if scale is not None:
        values = values * float(scale)
    values = values.to_frame("value").select(pl.when(pl.col("value").is_finite()).then("value")).to_series()
    return Cast(values, _lost(text, values), "is not a finite number")


def whole(text: pl.Series) -> Cast:
    """A whole number; `12.0` is one, `12.5` is not."""
    values = text.str.replace(r"\.0*$", "").cast(pl.Int64, strict=False)
    return Cast(values, _lost(text, values), "is not a whole number")


def boolean(text: pl.Series) -> Cast:
    """True or false, in the spellings that systems use."""
    values = text.str.to_lowercase().replace_strict(BOOLEANS, default=None, return_dtype=pl.Boolean)
    return Cast(values, _lost(text, values), "is neither true nor false")


def date(text: pl.Series, reading: Reading) -> Cast:
    """A date; a time of day is accepted only where a zone is named (then the date there) or it is midnight."""
    if reading.to_business_date:
        found = timestamp(text, Reading(reading.timezone, reading.format))
        return Cast(found.values.dt.convert_time_zone(reading.timezone).dt.date(), found.failed, found.why)
    if reading.format in SERIALS:
        naive = _serial(text, reading.format)
        days = (
            naive.to_frame("at").select(pl.when(pl.col("at").dt.truncate("1d") == pl.col("at")).then("at")).to_series()
        )
        return Cast(days.cast(pl.Date), _lost(text, days), "is not a date")
    formats = (reading.format,) if reading.format else DATE_FORMATS
    trimmed = text if reading.format else text.str.replace(r"[T ]00:00(?::00(?:\.0+)?)?$", "")
    values = _first_that_fits(trimmed, formats, lambda part, form: part.str.to_date(form, strict=False))
    return Cast(values.cast(pl.Date), _lost(text, values), "is not a date")


def timestamp(text: pl.Series, reading: Reading) -> Cast:
    """A UTC timestamp; one without zone is local to `reading.timezone`.

    A local time the clocks skip fails; one that happens twice is taken as the first and noted `dst_overlap`.
    """
    if reading.format in EPOCHS:
        exact = _below(text.cast(pl.Decimal(38, 6), strict=False), MOST_MICROS // EPOCHS[reading.format])
        micros = (exact * EPOCHS[reading.format]).cast(pl.Int64, strict=False)
        values = micros.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        return Cast(values, _lost(text, values), "is not a time since 1970")
    if reading.format is None and (quick := _whole_seconds_in_utc(text)) is not None:
        return Cast(quick)
    if reading.format in SERIALS:
        return _local(text, _serial(text, reading.format), reading.timezone)
    spaced = text.str.replace(r"^([0-9]{4}[-/][0-9]{2}[-/][0-9]{2}) +", "${1}T")
    utc = pl.Series([], dtype=pl.Datetime("us", "UTC"))
    if reading.format and "%z" not in reading.format:
        return _local(text, _naive(text, (reading.format,)), reading.timezone)
    if reading.format:
        utc = text.str.to_datetime(reading.format, strict=False, time_unit="us").dt.convert_time_zone("UTC")
        return Cast(utc, _lost(text, utc), "is not a timestamp")
    zoned = spaced.str.contains(ZONED)
    if zoned.any():
        utc = _zoned(spaced)
        if zoned.all():
            return Cast(utc, _lost(text, utc), "is not a timestamp")
    unzoned = spaced.to_frame("text").select(pl.when(~zoned).then("text")).to_series() if zoned.any() else spaced
    local = _local(unzoned, _naive(unzoned, (*NAIVE_FORMATS, *DATE_FORMATS)), reading.timezone)
    if zoned.any():
        both = pl.DataFrame({"utc": utc, "local": local.values}).select(pl.coalesce("utc", "local")).to_series()
        failed = _lost(text, both)
        return Cast(both, failed, local.why or "is not a timestamp", local.notes)
    return local


def _whole_seconds_in_utc(text: pl.Series) -> pl.Series | None:
    """The times where each is written as most systems do (2026-01-31T08:00:00Z), which costs a third; else None."""
    if not text.head(1).str.ends_with("Z").all():
        return None
    values = text.str.to_datetime("%Y-%m-%dT%H:%M:%SZ", strict=False, time_unit="us")
    return values.dt.replace_time_zone("UTC") if values.null_count() == text.null_count() else None


def _zoned(text: pl.Series) -> pl.Series:
    parsed = text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%#z", strict=False, time_unit="us")
    return parsed.dt.convert_time_zone("UTC")


def _serial(text: pl.Series, base: str) -> pl.Series:
    """Naive times from a spreadsheet's day counts, exact to the millisecond as it keeps them, or from ISO text."""
    days = text.cast(pl.Float64, strict=False)
    # No spreadsheet knows a day after 9999, and polars panics far beyond: an article number in the place of a date.
    days = _below(days, MOST_DAYS)
    counted = ((days - SERIALS[base]) * DAY_MS).round().cast(pl.Int64, strict=False).cast(pl.Datetime("ms"))
    told = _naive(text.str.replace(" ", "T", literal=True), (*NAIVE_FORMATS, "%Y-%m-%d"))
    both = pl.DataFrame({"counted": counted.cast(pl.Datetime("us")), "told": told})
    return both.select(pl.coalesce("counted", "told")).to_series()


def _naive(text: pl.Series, formats: tuple[str, ...]) -> pl.Series:
    def parse(part: pl.Series, form: str) -> pl.Series:
        if form in DATE_FORMATS:
            return part.str.to_date(form, strict=False).cast(pl.Datetime("us"))
        return part.str.to_datetime(form, strict=False, time_unit="us")

    return _first_that_fits(text, formats, parse)


def _local(text: pl.Series, naive: pl.Series, zone: str) -> Cast:
    first = naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    last = naive.dt.replace_time_zone(zone, ambiguous="latest", non_existent="null")
    values = first.dt.convert_time_zone("UTC")
    failed = _lost(text, values)
    skipped = failed is not None and bool((failed & naive.is_not_null()).any())
    twice = (first != last).fill_null(False)
    why = f"is not a timestamp, or lies in an hour that the clocks of {zone} skip" if skipped else "is not a timestamp"
    return Cast(values, failed, why, {"dst_overlap": twice} if twice.any() else {})


def _first_that_fits(
    text: pl.Series, formats: tuple[str, ...], parse: Callable[[pl.Series, str], pl.Series]
) -> pl.Series:
    values = parse(text, formats[0])
    for form in formats[1:]:
        if values.null_count() == text.null_count():
            break
        left = pl.DataFrame({"value": values, "text": text}).select(pl.when(pl.col("value").is_null()).then("text"))
        values = (
            pl.DataFrame({"a": values, "b": parse(left.to_series(), form)}).select(pl.coalesce("a", "b")).to_series()
        )
    return values


def _below(numbers: pl.Series, most: int | Decimal) -> pl.Series:
    """The numbers, null where they are so large that working with them would end the stream, and not their row."""
    return numbers.to_frame("n").select(pl.when(pl.col("n").abs() < most).then("n")).to_series()


def _lost(before: pl.Series, after: pl.Series) -> pl.Series | None:
    """Where there was a value and is none now; None when nothing was lost."""
    if before.null_count() == after.null_count():
        return None
    return before.is_not_null() & after.is_null()
