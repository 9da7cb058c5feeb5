"""A contract in words and plain values: what `tillmill contracts` prints, so that no page has to repeat it."""

from __future__ import annotations

from inspect import cleandoc
from typing import Any

import dataframely as dy
import polars as pl

from ingestion.contracts.columns import ALLOWED, MISSING
from ingestion.contracts.contract import Contract, landed_name

_TYPES: dict[type[pl.DataType], str] = {
    pl.String: "text",
    pl.Datetime: "UTC timestamp",
    pl.Date: "date",
    pl.Float64: "number",
    pl.Int64: "whole number",
    pl.Boolean: "true or false",
}


def describe(contract: Contract) -> dict[str, Any]:
    """The contract as JSON-able values: stream, about, key, version, event, flags, and one object per column, in order.

    A column has name, landed_as, type, is_key, is_personal, is_vaulted, is_free_text, if_missing (`null`, `refused`,
    what stands in, or what a null is taken for), min, max (inclusive unless `above_min` or `below_max`), allowed (null:
    anything).
    """
    return {
        "stream": contract.name,
        "about": cleandoc(contract.schema.__doc__ or ""),
        "key": ["_source", *contract.key],
        "version": contract.version,
        "event": contract.event,
        "flags": sorted(contract.flags),
        "columns": [_column(contract, name, column) for name, column in contract.schema.columns().items()],
    }


def _column(contract: Contract, name: str, column: dy.Column) -> dict[str, Any]:
    least, most = (_bound(column, word) for word in ("min", "max"))
    above, below = (_bound(column, f"{word}_exclusive") for word in ("min", "max"))
    return {
        "name": name,
        "landed_as": landed_name(contract, name),
        "type": _type(column.dtype),
        "is_key": name in contract.key,
        "is_personal": name in contract.personal,
        "is_vaulted": name in contract.vaulted,
        "is_free_text": name in contract.free_text,
        "if_missing": _if_missing(contract, name, column),
        "min": least if above is None else above,
        "max": most if below is None else below,
        "above_min": above is not None,
        "below_max": below is not None,
        "allowed": list(allowed) if (allowed := (column.metadata or {}).get(ALLOWED)) else None,
    }


def _type(dtype: pl.DataType) -> str:
    if isinstance(dtype, pl.Decimal):
        return f"decimal({dtype.precision},{dtype.scale})"
    return _TYPES[type(dtype)]


def _bound(column: dy.Column, name: str) -> str | None:
    value = getattr(column, name, None)
    return None if value is None else str(value)


def _if_missing(contract: Contract, name: str, column: dy.Column) -> str:
    if name in contract.defaults:
        return str(contract.defaults[name])
    if name == contract.version:
        return "when the source said it"
    if name == "currency" and name not in contract.key:
        return "the brand's currency"
    return missing_means(column) or ("null" if column.nullable else "refused")


def missing_means(column: dy.Column) -> str:
    """What a null of the column is taken for, in words; '' where it is just not known."""
    return str((column.metadata or {}).get(MISSING, ""))
