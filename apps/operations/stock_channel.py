"""What distributors hold: sell-in against sell-through, and what stays in the channel."""

from __future__ import annotations

import polars as pl

from apps import format as write
from apps.components import tables
from apps.components.view import View
from apps.queries import inventory


def draw(view: View, *, category: str | None) -> None:
    """Draws the table of distributors' stock, stuffed channels first; nothing where no distributor reports."""
    stock = inventory.channel_stock(view.warehouse, category=category)
    if stock.is_empty():
        return
    words = view.words
    stock = stock.with_columns(
        pl.coalesce("name", "sku").alias("product"),
        pl.when("is_stuffed")
        .then(pl.lit(words("channel_stock.stuffed")))
        .otherwise(pl.lit(words("channel_stock.fine")))
        .alias("status"),
    )
    stuffed = words("channel_stock.stuffed")
    columns = [
        tables.Column("product", words("term.product"), view.item, width=200),
        tables.Column("distributor_id", words("term.distributor")),
        tables.Column("status", words("term.status"), tone=lambda value: "bad" if value == stuffed else "quiet"),
        tables.Column("closing_units", words("term.channel_stock"), view.short),
        tables.Column("weeks_of_cover", words("term.weeks_of_cover"), lambda weeks: write.exact(weeks, 1)),
        tables.Column("sell_in_units", view.metric("sell_in").name, view.short, help=view.metric("sell_in").meaning),
        tables.Column(
            "sell_through_units",
            view.metric("sell_through").name,
            view.short,
            help=view.metric("sell_through").meaning,
        ),
        tables.Column("oldest_days", words("channel_stock.oldest"), write.exact),
        tables.Column("sku", words("term.sku")),
    ]
    summed = ("closing_units", "sell_in_units", "sell_through_units")
    tables.table(
        view,
        stock,
        columns,
        title=words("channel_stock.table", week=write.plain(view.day(stock["week_on"].max()))),  # type: ignore[arg-type]
        key="channel",
        totals={name: float(stock[name].sum() or 0) for name in summed},
        seen=6,
    )
