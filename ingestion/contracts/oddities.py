"""Values that are odd but possible: the row lands, and says so in `_flags`."""

from __future__ import annotations

import polars as pl

GTIN_LENGTHS = (8, 12, 13, 14)


def zero(column: str) -> pl.Expr:
    """True where the value is stated and zero."""
    return pl.col(column) == 0


def negative(column: str) -> pl.Expr:
    """True where the value is below zero."""
    return pl.col(column) < 0


def negative_without_return(units: str = "units", kind: str = "line_kind") -> pl.Expr:
    """True where units are below zero and the line does not call itself a return."""
    return (pl.col(units) < 0) & (pl.col(kind) != "return")


def bad_gtin(column: str = "gtin") -> pl.Expr:
    """True where a stated GTIN (8, 12, 13 or 14 digits) fails its check digit or has no such form.

    Source: GS1 General Specifications 7.9.1: from the right, weights 3 and 1 in turn; the check digit brings the sum
    to a multiple of ten.
    """
    digits = pl.col(column).str.zfill(14)
    total = pl.sum_horizontal(
        (digits.str.slice(place, 1).cast(pl.Int64, strict=False) * (3 if place % 2 == 0 else 1)) for place in range(14)
    )
    well_formed = pl.col(column).str.contains(r"^(?:[0-9]{8}|[0-9]{12,14})$")
    return pl.col(column).is_not_null() & ~(well_formed & (total % 10 == 0))


def ends_before_start(start: str, end: str) -> pl.Expr:
    """True where both are stated and `end` lies before `start`."""
    return pl.col(end) < pl.col(start)
