"""The channels page's section on returns: how much of what is sold comes back, and of which products."""

from __future__ import annotations

import polars as pl

from apps import format as write
from apps.components import tables
from apps.components.view import View
from apps.queries import returns
from apps.queries.scope import Scope


def section(view: View, scope: Scope) -> None:
    """Draws a row per product of which something came back in the span; nothing where nothing did."""
    found = returns.by_product(view.warehouse, scope)
    shown = found.filter((pl.col("returned_sales") != 0) | (pl.col("returned_units") != 0)).with_columns(
        _rate("returned_units", "units").alias("unit_rate"), _rate("returned_sales", "sales").alias("rate")
    )
    if shown.is_empty():
        return
    totals = whole(found)
    said = {"units": write.percent(totals["unit_rate"]), "amount": write.percent(totals["rate"])}
    title = view.words("returns.title", **{name: write.plain(text) for name, text in said.items()})
    tables.table(view, shown, _columns(view), title=title, key="returns", totals=totals)


def whole(found: pl.DataFrame) -> dict[str, float | None]:
    """All products together, those included of which nothing came back."""
    sums = {name: float(found[name].sum() or 0) for name in ("units", "returned_units", "sales", "returned_sales")}
    return {
        **sums,
        "unit_rate": sums["returned_units"] / sums["units"] if sums["units"] > 0 else None,
        "rate": sums["returned_sales"] / sums["sales"] if sums["sales"] > 0 else None,
    }


def _rate(part: str, of: str) -> pl.Expr:
    return pl.when(pl.col(of) > 0).then(pl.col(part) / pl.col(of))


def _columns(view: View) -> list[tables.Column]:
    words = view.words
    of_units, of_sales = view.metric("unit_return_rate"), view.metric("return_rate")
    back, before = view.metric("returned_units"), view.metric("units_before_returns")
    given_back, sold = view.metric("returned_sales"), view.metric("sales_before_returns")
    return [
        tables.Column("name", words("term.product"), view.item, width=220),
        tables.Column("sku", words("term.sku")),
        tables.Column("unit_rate", of_units.name, write.percent, help=of_units.meaning),
        tables.Column("rate", of_sales.name, write.percent, help=of_sales.meaning),
        tables.Column("returned_units", back.name, view.short, help=back.meaning),
        tables.Column("units", before.name, view.short, help=before.meaning),
        tables.Column("returned_sales", given_back.name, view.money, help=given_back.meaning),
        tables.Column("sales", sold.name, view.money, help=sold.meaning),
    ]
