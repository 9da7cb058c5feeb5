"""What counts of stock found otherwise than the books: a finding of data health, with its place, units and worth."""

from __future__ import annotations

import polars as pl

from apps import format as write
from apps.components import tables
from apps.components.view import View
from apps.queries import inventory

_TONES = {"counted": "quiet", "unbooked": "bad", "negative_books": "bad"}


def draw(view: View) -> None:
    """Draws the table of adjustments, those that nobody booked first; nothing where counts and books agree."""
    if not view.warehouse.has("mart_stock_adjustment"):
        return
    found = inventory.adjustments(view.warehouse)
    if found.is_empty():
        return
    words = view.words
    tones = {words.code("adjustment", code): tone for code, tone in _TONES.items()}
    found = found.with_columns(
        pl.coalesce("name", "sku").alias("product"),
        pl.coalesce("location_name", "location_id").alias("place"),
        pl.col("cause").map_elements(lambda code: words.code("adjustment", code), return_dtype=pl.String),
    )
    columns = [
        tables.Column("product", words("term.product"), view.item, width=250),
        tables.Column("place", words("term.place"), view.item, width=190),
        tables.Column("cause", words("term.cause"), tone=lambda value: tones.get(value, "bad")),
        tables.Column("adjustment_units", words("term.adjustment"), _signed, help=words("explain.adjustment")),
        tables.Column("value_amount", words("term.value"), lambda amount: write.signed(view.money_exact(amount))),
        tables.Column("stock_on", words("term.day"), view.day, right=True),
        tables.Column("lot_id", words("term.lot")),
        tables.Column("sku", words("term.sku")),
    ]
    totals = {name: float(found[name].sum() or 0) for name in ("adjustment_units", "value_amount")}
    tables.table(view, found, columns, title=words("adjustment.table"), key="adjustments", totals=totals, seen=6)


def _signed(units: float) -> str:
    return write.signed(write.exact(units, 0 if float(units).is_integer() else 3))
