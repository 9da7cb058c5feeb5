"""What one row of each planning table must be: the interface of make_plan and of the files of a planning folder."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from tillmill.errors import UsageError

UNITS = pl.Decimal(18, 3)
AMOUNT = pl.Decimal(18, 4)
TEXT = pl.String
NUMBER = pl.Float64

Columns = Mapping[str, pl.DataType | type[pl.DataType]]

# Inside the room units are floats; the Out tables carry decimals.
IN: dict[str, Columns] = {
    "demand": {
        "sku": TEXT, "location_id": TEXT, "channel_id": TEXT, "week_on": pl.Date,
        "mean": NUMBER, "q50": NUMBER, "q90": NUMBER, "sigma": NUMBER, "priority": pl.Int64,
    },
    "orders": {
        "order_id": TEXT, "line_no": TEXT, "sku": TEXT, "channel_id": TEXT, "location_id": TEXT,
        "units": NUMBER, "due_on": pl.Date, "priority": pl.Int64,
    },
    "stock": {
        "sku": TEXT, "location_id": TEXT, "lot_id": TEXT, "quality": TEXT, "owner_id": TEXT,
        "on_hand_units": NUMBER, "reserved_units": NUMBER, "expiry_on": pl.Date,
    },
    "receipts": {
        "receipt_id": TEXT, "sku": TEXT, "location_id": TEXT, "units": NUMBER, "due_on": pl.Date,
        "kind": TEXT, "is_firm": pl.Boolean,
    },
    "item_policy": {
        "sku": TEXT, "location_id": TEXT, "service_level": NUMBER, "lead_time_days": NUMBER, "lot_min_units": NUMBER,
        "lot_multiple_units": NUMBER, "lot_max_units": NUMBER, "shelf_life_days": NUMBER, "scrap_rate": NUMBER,
        "frozen_days": NUMBER, "slushy_days": NUMBER, "safety_stock_units": NUMBER, "holding_cost": NUMBER,
        "backorder_cost": NUMBER,
    },
    "channel_life": {
        "channel_id": TEXT, "sku": TEXT, "reject_days": NUMBER, "lockup_days": NUMBER, "warn_days": NUMBER,
    },
    "bom": {
        "parent_sku": TEXT, "component_sku": TEXT, "effective_from": pl.Date, "quantity_per": NUMBER,
        "scrap_rate": NUMBER, "effective_to": pl.Date, "alternate_group": TEXT, "priority": pl.Int64,
    },
    "sources": {
        "sku": TEXT, "location_id": TEXT, "source_id": TEXT, "kind": TEXT, "lead_time_days": NUMBER,
        "share_rate": NUMBER, "priority": pl.Int64, "cost": NUMBER,
    },
    "routing": {
        "sku": TEXT, "line_id": TEXT, "units_per_hour": NUMBER, "setup_minutes": NUMBER, "setup_cost": NUMBER,
        "setup_family": TEXT, "min_run_units": NUMBER, "is_preferred": pl.Boolean,
    },
    "changeover": {"line_id": TEXT, "from_family": TEXT, "to_family": TEXT, "minutes": NUMBER},
    "calendar": {
        "line_id": TEXT, "week_on": pl.Date, "available_minutes": NUMBER, "overtime_minutes": NUMBER,
        "overtime_cost_per_minute": NUMBER,
    },
    "previous_plan": {"sku": TEXT, "line_id": TEXT, "week_on": pl.Date, "units": NUMBER},
}  # fmt: skip

OUT: dict[str, Columns] = {
    "requirements": {
        "sku": TEXT, "location_id": TEXT, "week_on": pl.Date, "gross_units": UNITS, "on_hand_used_units": UNITS,
        "expired_units": UNITS, "receipts_units": UNITS, "safety_stock_units": UNITS, "net_units": UNITS,
        "planned_receipt_units": UNITS, "release_on": pl.Date,
    },
    "pegging": {"supply_id": TEXT, "demand_id": TEXT, "units": UNITS, "depth": pl.Int64},
    "production_plan": {
        "sku": TEXT, "line_id": TEXT, "week_on": pl.Date, "units": UNITS, "setups": pl.Int64, "run_minutes": NUMBER,
        "setup_minutes": NUMBER, "overtime_minutes": NUMBER, "backorder_units": UNITS, "safety_short_units": UNITS,
        "zone": TEXT,
    },
    "transfers": {
        "transfer_id": TEXT, "sku": TEXT, "from_location_id": TEXT, "to_location_id": TEXT, "units": UNITS,
        "ship_on": pl.Date, "reason": TEXT,
    },
    "schedule_orders": {
        "order_id": TEXT, "version": pl.Int64, "sku": TEXT, "line_id": TEXT, "start_at": pl.Datetime("us", "UTC"),
        "end_at": pl.Datetime("us", "UTC"), "units": UNITS, "priority": pl.Int64, "state": TEXT,
    },
    "exceptions": {
        "exception_id": TEXT, "kind": TEXT, "object_id": TEXT, "old": TEXT, "new": TEXT, "amount": UNITS,
        "pegged_demand_ids": TEXT, "message": TEXT,
    },
    "summary": {
        "total_cost": AMOUNT, "holding_cost": AMOUNT, "backorder_cost": AMOUNT, "setup_cost": AMOUNT,
        "overtime_cost": AMOUNT, "safety_short_cost": AMOUNT, "owed_at_end_cost": AMOUNT, "waste_cost": AMOUNT,
        "bound": AMOUNT, "gap_rate": NUMBER, "fill_rate": NUMBER,
        "backorder_units": UNITS, "utilisation_rate": TEXT, "nervousness": NUMBER, "seconds": NUMBER,
    },
}  # fmt: skip

# A column that may be left out is null throughout; the engine's defaults for null are in docs/planning.md.
REQUIRED: dict[str, tuple[str, ...]] = {
    "demand": ("sku", "location_id", "channel_id", "week_on", "mean"),
    "orders": ("order_id", "sku", "channel_id", "location_id", "units", "due_on"),
    "stock": ("sku", "location_id", "on_hand_units"),
    "receipts": ("receipt_id", "sku", "location_id", "units", "due_on"),
    "item_policy": ("sku", "location_id"),
    "channel_life": ("channel_id", "sku", "reject_days"),
    "bom": ("parent_sku", "component_sku", "quantity_per"),
    "sources": ("sku", "location_id", "source_id", "kind"),
    "routing": ("sku", "line_id", "units_per_hour"),
    "changeover": ("line_id", "from_family", "to_family", "minutes"),
    "calendar": ("line_id", "week_on", "available_minutes"),
    "previous_plan": ("sku", "line_id", "week_on", "units"),
}
KEYS: dict[str, tuple[str, ...]] = {
    "demand": ("sku", "location_id", "channel_id", "week_on"),
    "orders": ("order_id", "line_no"),
    "stock": ("sku", "location_id", "lot_id", "quality", "owner_id"),
    "receipts": ("receipt_id",),
    "item_policy": ("sku", "location_id"),
    "channel_life": ("channel_id", "sku"),
    "bom": ("parent_sku", "component_sku", "effective_from"),
    "sources": ("sku", "location_id", "source_id"),
    "routing": ("sku", "line_id"),
    "changeover": ("line_id", "from_family", "to_family"),
    "calendar": ("line_id", "week_on"),
    "previous_plan": ("sku", "line_id", "week_on"),
}
# The least a number may be; (least, is the least itself allowed).
LEAST: dict[str, tuple[float, bool]] = {"units_per_hour": (0.0, False), "quantity_per": (0.0, False)}
BELOW_ONE = ("scrap_rate", "service_level")


def empty(table: str) -> pl.DataFrame:
    """A zero-row frame of one In or Out table. Raises KeyError for an unknown name."""
    return pl.DataFrame(schema=dict(IN[table] if table in IN else OUT[table]))


def checked(tables: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Every In table with its typed columns and unique keys; a table not given is empty, a column not required is null.

    Raises UsageError naming table, column and row (the first data row is 1) for a missing column, a value that cannot
    be cast, a null where a value is needed, a number out of bounds, or a key that comes twice.
    """
    found = {}
    for name in IN:
        frame = tables.get(name)
        found[name] = empty(name) if frame is None else check_table(name, frame, name)
    return found


def check_table(name: str, frame: pl.DataFrame, where: str) -> pl.DataFrame:
    """`frame` as table `name`; `where` is what the error calls it (a table or a file). Raises UsageError."""
    missing = [column for column in REQUIRED[name] if column not in frame.columns]
    if missing:
        raise UsageError(f"{where}: column {missing[0]!r} is missing")
    columns = []
    for column, dtype in IN[name].items():
        series = frame[column] if column in frame.columns else pl.Series(column, [None] * frame.height, dtype=dtype)
        columns.append(_cast(series, dtype, where))
    typed = pl.DataFrame(columns)
    for column in REQUIRED[name]:
        _refuse(typed[column].is_null(), where, column, "is empty")
    for column, dtype in IN[name].items():
        if dtype == NUMBER:
            least, allowed = LEAST.get(column, (0.0, True))
            low = typed[column] < least if allowed else typed[column] <= least
            _refuse(low, where, column, f"must be {'at least' if allowed else 'above'} {least:g}")
        if column in BELOW_ONE:
            _refuse(typed[column] >= 1, where, column, "must be below 1")
    keys = list(KEYS[name])
    twice = typed.select(pl.struct(keys).is_duplicated()).to_series()
    _refuse(twice, where, ", ".join(keys), "comes twice")
    return typed


def _cast(series: pl.Series, dtype: pl.DataType | type[pl.DataType], where: str) -> pl.Series:
    if dtype == pl.String:
        cast = series.cast(pl.String)
        cast = cast.set(cast == "", None)
    elif series.dtype == dtype:
        cast = series
    elif series.dtype == pl.String:
        text = series.str.strip_chars()
        text = text.set(text == "", None)
        if dtype == pl.Boolean:
            cast = text.str.to_lowercase().replace_strict(_BOOLEANS, default=None, return_dtype=pl.Boolean)
        elif dtype == pl.Date:
            cast = text.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
        else:
            cast = text.cast(dtype, strict=False)
        _refuse(
            cast.is_null() & text.is_not_null(), where, series.name, f"is not a {_WORDS.get(str(dtype), dtype)}", series
        )
    else:
        cast = series.cast(dtype, strict=False)
        _refuse(
            cast.is_null() & series.is_not_null(),
            where,
            series.name,
            f"is not a {_WORDS.get(str(dtype), dtype)}",
            series,
        )
    if dtype == NUMBER:
        _refuse(cast.is_nan() | cast.is_infinite(), where, series.name, "is not a finite number", series)
    return cast.alias(series.name)


def _refuse(bad: pl.Series, where: str, column: str, why: str, shown: pl.Series | None = None) -> None:
    rows = bad.fill_null(False).arg_true()
    if rows.len():
        row = int(rows[0])
        value = "" if shown is None else f" {str(shown[row])!r}"
        raise UsageError(f"{where}: column {column!r}, row {row + 1}:{value} {why}")


_BOOLEANS = {"true": True, "t": True, "1": True, "yes": True, "false": False, "f": False, "0": False, "no": False}
_WORDS = {"Float64": "number", "Int64": "whole number", "Date": "date (YYYY-MM-DD)", "Boolean": "true or false"}
