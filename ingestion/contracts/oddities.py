"""Values that are odd but possible: the row lands, and says so in `_flags`."""

from __future__ import annotations

import polars as pl

from ingestion.contracts.packs import KNOWN_UNITS

GTIN = r"^(?:[0-9]{8}|[0-9]{12,14})$"


def zero(column: str) -> pl.Expr:
    """True where the value is stated and zero."""
    return pl.col(column) == 0


def negative(*columns: str) -> pl.Expr:
    """True where any of the values is below zero."""
    return pl.any_horizontal(pl.col(*columns) < 0)


def positive(column: str) -> pl.Expr:
    """True where the value is above zero."""
    return pl.col(column) > 0


def above(column: str, limit: str) -> pl.Expr:
    """True where both are stated and `column` is the greater."""
    return pl.col(column) > pl.col(limit)


def equal(left: str, right: str) -> pl.Expr:
    """True where both are stated and the same."""
    return pl.col(left) == pl.col(right)


def missing(column: str) -> pl.Expr:
    """True where no value is stated; for a flag, beside something that asks for one."""
    return pl.col(column).is_null()


def true(column: str) -> pl.Expr:
    """True where the column says so."""
    return pl.col(column)


def is_kind(kind: str) -> pl.Expr:
    """True where the row's `kind` is this one."""
    return pl.col("kind") == kind


def is_status(status: str) -> pl.Expr:
    """True where the row's `status` is this one, in capitals or not."""
    return pl.col("status").str.to_lowercase() == status


def out_of_order(first: str, second: str) -> pl.Expr:
    """True where both moments or dates are stated and `second` lies before `first`."""
    return pl.col(second) < pl.col(first)


def more_minutes_than(minutes: str, start: str, end: str) -> pl.Expr:
    """True where `minutes` are more than lie between two moments; a second of slack for rounded figures."""
    return pl.col(minutes) * 60 > (pl.col(end) - pl.col(start)).dt.total_seconds() + 1


def negative_without_return(units: str = "units", kind: str = "line_kind") -> pl.Expr:
    """True where units are below zero and the line does not call itself a return."""
    return (pl.col(units) < 0) & (pl.col(kind) != "return")


def unknown_unit(column: str) -> pl.Expr:
    """True where a stated unit is none of those this product can name: its base units may not be what they seem."""
    spelled = pl.col(column).str.normalize("NFKC").str.strip_chars(" .").str.to_lowercase()
    return ~spelled.is_in(sorted(KNOWN_UNITS))


def check_digit(body: pl.Expr) -> pl.Expr:
    """The check digit (Int64) of a GTIN without it: text of up to 13 digits; null where there is anything else.

    Source: GS1 General Specifications 7.9.1: from the right, weights 3 and 1 in turn; the check digit brings the sum
    to a multiple of ten.
    """
    digits = body.str.zfill(13)
    weighted = (
        digits.str.slice(place, 1).cast(pl.Int64, strict=False) * (3 if place % 2 == 0 else 1) for place in range(13)
    )
    return (10 - pl.sum_horizontal(*weighted, ignore_nulls=False) % 10) % 10


def bad_gtin(column: str = "gtin") -> pl.Expr:
    """True where a stated GTIN (8, 12, 13 or 14 digits) fails its check digit or has no such form."""
    text = pl.col(column)
    stated = text.str.slice(-1).cast(pl.Int64, strict=False)
    is_right = text.str.contains(GTIN) & (stated == check_digit(text.str.head(-1)))
    return text.is_not_null() & ~is_right.fill_null(False)


def case_gtin(column: str = "gtin") -> pl.Expr:
    """True where a till names a case (GTIN-14, indicator 1 to 8): cases may have been reported as eaches."""
    return pl.col(column).str.contains(r"^[1-8][0-9]{13}$")
