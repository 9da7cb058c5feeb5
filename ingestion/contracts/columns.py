"""The column types of model.md, each with the bounds outside of which a value is impossible rather than odd."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import dataframely as dy
import polars as pl

AMOUNT = pl.Decimal(18, 4)
UNITS = pl.Decimal(18, 3)
TIMESTAMP = pl.Datetime("us", "UTC")

# Clocks that lost their battery say 1970 or 2000 less a bit; nothing this product reads was recorded before 1980.
FIRST_AT = datetime(1980, 1, 1, tzinfo=UTC)
LAST_AT = datetime(2100, 1, 1, tzinfo=UTC)
# Dates open shops and end validities: a mill may be from 1850, and 9999-12-31 is how many systems write "open".
FIRST_ON = date(1800, 1, 1)
LAST_ON = date(9999, 12, 31)
MOST_AMOUNT = Decimal(1_000_000_000)
MOST_UNITS = Decimal(100_000_000)
MOST_COUNT = 1_000_000_000_000
# The keys of a column's metadata under which its allowed values stand, and what a null of it is taken for, in words.
ALLOWED, MISSING = "allowed", "missing"

# ISO 4217, the codes in use: an unknown currency can never be summed, so it is impossible, not odd.
CURRENCIES = frozenset(
    code
    for line in (
        "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD",
        "CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD",
        "GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT",
        "LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR",
        "NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP",
        "STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD",
        "XOF XPF YER ZAR ZMW ZWG",
    )
    for code in line.split()
)


def text(required: bool = False, one_of: tuple[str, ...] = ()) -> dy.String:
    """An identifier, code, name or free text; with `one_of`, any other value is impossible."""
    if not one_of:
        return dy.String(nullable=not required)
    return dy.String(
        nullable=not required,
        check={"one_of": lambda column: column.is_in(one_of)},
        metadata={ALLOWED: one_of},
    )


def currency() -> dy.String:
    """An ISO 4217 code that stands beside every amount."""
    codes = sorted(CURRENCIES)
    return dy.String(
        nullable=False, check={"known_currency": lambda column: column.is_in(codes)}, metadata={ALLOWED: tuple(codes)}
    )


def at(required: bool = False, missing: str = "") -> dy.Datetime:
    """A UTC timestamp in microseconds between 1980 and 2100; `missing` says what a null is taken for."""
    return dy.Datetime(
        nullable=not required,
        time_unit="us",
        time_zone="UTC",
        min=FIRST_AT,
        max_exclusive=LAST_AT,
        metadata=_meaning(missing),
    )


def on(required: bool = False) -> dy.Date:
    """A business date."""
    return dy.Date(nullable=not required, min=FIRST_ON, max=LAST_ON)


def amount(required: bool = False) -> dy.Decimal:
    """Money, DECIMAL(18,4), within a thousand million either way."""
    return dy.Decimal(18, 4, nullable=not required, min=-MOST_AMOUNT, max=MOST_AMOUNT)


def units(required: bool = False, negative: bool = True) -> dy.Decimal:
    """A quantity in the base unit, DECIMAL(18,3)."""
    return dy.Decimal(18, 3, nullable=not required, min=-MOST_UNITS if negative else Decimal(0), max=MOST_UNITS)


def rate(required: bool = False, bounded: bool = True, missing: str = "") -> dy.Float64:
    """A share between 0 and 1; not `bounded` where above 1 or below 0 has a meaning (a lift, a utilisation)."""
    bounds: dict[str, Any] = {"min": 0.0, "max": 1.0} if bounded else {}
    return dy.Float64(nullable=not required, metadata=_meaning(missing), **bounds)


def factor(required: bool = False) -> dy.Float64:
    """A finite number above zero, such as an exchange rate."""
    return dy.Float64(nullable=not required, min_exclusive=0.0)


def number(required: bool = False, low: float | None = None, high: float | None = None) -> dy.Float64:
    """A measured or estimated figure; never NaN or infinite."""
    return dy.Float64(nullable=not required, min=low, max=high)


def count(required: bool = False, negative: bool = False) -> dy.Int64:
    """A whole number of things, days or rows."""
    return dy.Int64(nullable=not required, min=-MOST_COUNT if negative else 0, max=MOST_COUNT)


def flag(required: bool = False, missing: str = "") -> dy.Bool:
    """True or false; `missing` says what a null is taken for."""
    return dy.Bool(nullable=not required, metadata=_meaning(missing))


def is_tax_inclusive() -> dy.Bool:
    """Whether the amounts beside it include tax."""
    return flag(missing="false: tax is put on top of the amounts")


def _meaning(missing: str) -> dict[str, Any] | None:
    return {MISSING: missing} if missing else None
