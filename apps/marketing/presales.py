"""The promotions page's section on presales: how many who paid a deposit came back with the balance?"""

from __future__ import annotations

import polars as pl

from apps import format as write
from apps.components import tables
from apps.components.view import View
from apps.queries import presales

_SUMS = (
    "deposit_orders",
    "balance_paid_orders",
    "open_orders",
    "lapsed_orders",
    "deposits",
    "balances",
    "open_balances",
    "forfeited_deposits",
)


def section(view: View) -> None:
    """Draws a row per promotion and shop that took deposits; nothing where none did."""
    found = presales.runs(view.warehouse)
    if found.is_empty():
        return
    days = found.select("starts_on", "ends_on").iter_rows()
    shown = found.with_columns(
        pl.col("shop_id").map_elements(view.channel, return_dtype=pl.String).alias("shop"),
        (pl.col("balance_paid_orders") / pl.col("deposit_orders")).alias("rate"),
        pl.Series("dates", [write.span(first, last, view.language) for first, last in days]),
    )
    tables.table(view, shown, _columns(view), title=title(view, found), key="presales", totals=_whole(found))


def title(view: View, found: pl.DataFrame) -> str:
    """The finding: deposits paid, the share whose balance came, and what may still come."""
    sums = _whole(found)
    said = {"orders": write.exact(sums["deposit_orders"]), "rate": write.percent(sums["rate"], 0)}
    said = {name: write.plain(text) for name, text in said.items()}
    if not sums["open_orders"]:
        return view.words("presales.title", **said)
    return view.words("presales.title_open", **said, amount=write.plain(view.money(sums["open_balances"])))


def _whole(found: pl.DataFrame) -> dict[str, float]:
    """All presales together; the rate from the sums, never from the rows' rates."""
    sums = {name: float(found[name].sum()) for name in _SUMS}
    return sums | {"rate": sums["balance_paid_orders"] / sums["deposit_orders"]}


def _columns(view: View) -> list[tables.Column]:
    words = view.words
    orders, paid, rate = (
        view.metric(name) for name in ("deposit_orders", "balance_paid_orders", "balance_conversion_rate")
    )
    deposits, still, kept = (view.metric(name) for name in ("deposits", "open_balances", "forfeited_deposits"))
    return [
        tables.Column("promotion_id", words("presales.promotion"), write.name, width=190),
        tables.Column("shop", words("presales.shop")),
        tables.Column("dates", words("presales.dates")),
        tables.Column("deposit_orders", orders.name, write.exact, help=orders.meaning),
        tables.Column("balance_paid_orders", paid.name, write.exact, help=paid.meaning),
        tables.Column("rate", rate.name, write.percent, help=rate.meaning),
        tables.Column("open_orders", words("presales.open"), write.exact),
        tables.Column("lapsed_orders", words("presales.lapsed"), write.exact),
        tables.Column("deposits", deposits.name, view.money, help=deposits.meaning),
        tables.Column("open_balances", still.name, view.money, help=still.meaning),
        tables.Column("forfeited_deposits", kept.name, view.money, help=kept.meaning),
    ]
