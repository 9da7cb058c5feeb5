"""What each channel still takes of the stock: the life that is left against the life that it asks for."""

from __future__ import annotations

import polars as pl

from apps import format as write
from apps.components import tables
from apps.components.view import View
from apps.queries import service

_SOON_DAYS = 7


def draw(view: View, *, is_ours: bool, location: str | None, category: str | None) -> None:
    """Draws the stock that a channel refuses or soon will, the most first; nothing where life is not told."""
    found = service.life(view.warehouse, is_ours=is_ours, location=location, category=category)
    if found.is_empty():
        return
    near = found.filter((pl.col("refused_units") > 0) | (pl.col("life_left_days") <= _SOON_DAYS))
    shown = near.with_columns(
        pl.coalesce("name", "sku").alias("product"),
        pl.coalesce("location_name", "location_id").alias("place"),
        pl.Series("channel", [view.channel(code) for code in near["channel_id"]], dtype=pl.String),
    )
    # A warehouse's lot stands once for each channel, so that sums over rows would say too much.
    tables.table(view, shown, _columns(view), title=title(view, found), key="life", seen=6)


def title(view: View, found: pl.DataFrame) -> str:
    """The finding: units that stores can no longer sell, and that warehouses cannot deliver to every channel."""
    in_store = pl.col("location_kind") == "store"
    stores, warehouses = found.filter(in_store), found.filter(~in_store)
    worst = warehouses.group_by("location_id", "sku").agg(pl.col("refused_units").max())
    said = {
        "stores": write.exact(float(stores["refused_units"].sum() or 0)),
        "of": write.exact(float(stores["on_hand_units"].sum() or 0)),
        "warehouses": write.exact(float(worst["refused_units"].sum() or 0)),
    }
    told = {name: write.plain(text) for name, text in said.items()}
    if stores.is_empty():
        return view.words("life.title_warehouses", **told)
    return view.words("life.title_stores" if warehouses.is_empty() else "life.title", **told)


def _columns(view: View) -> list[tables.Column]:
    words = view.words
    return [
        tables.Column("product", words("term.product"), view.item, width=210),
        tables.Column("place", words("term.place"), view.item, width=140),
        tables.Column("channel", words("term.channel")),
        tables.Column(
            "refused_units",
            words("life.refused"),
            view.short,
            lambda units: "bad" if units > 0 else "quiet",
            help=words("explain.refused"),
        ),
        tables.Column("accepted_units", words("life.accepted"), view.short),
        tables.Column("on_hand_units", view.metric("on_hand").name, view.short),
        tables.Column("life_left_days", words("life.next"), write.exact, help=words("explain.life_next")),
        tables.Column("least_days", words("life.least"), write.exact),
        tables.Column("sku", words("term.sku")),
    ]
