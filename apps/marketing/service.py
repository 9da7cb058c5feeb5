"""The channels page's section on service: did the shops' and the trade's customers get what they ordered?"""

from __future__ import annotations

import polars as pl

from apps import format as write
from apps.components import tables
from apps.components.view import View
from apps.queries import service
from apps.queries.scope import Scope


def section(view: View, scope: Scope) -> None:
    """Draws a row per shop and trade account with lines due in the span; nothing where none are."""
    found = service.accounts(view.warehouse, scope)
    if found.is_empty():
        return
    words = view.words
    shown = found.with_columns(
        pl.Series("account", [_account(view, *row) for row in found.select("order_kind", "account_id").iter_rows()]),
        pl.col("order_kind").map_elements(lambda kind: words.code("order_kind", kind), return_dtype=pl.String),
        pl.col("reason").map_elements(lambda code: words.code("service_reason", code), return_dtype=pl.String),
        _rate("filled_units", "judged_units").alias("fill_rate"),
        _rate("good_lines", "told_lines").alias("otif_rate"),
        _rate("told_lines", "lines").alias("told_rate"),
    )
    tables.table(view, shown, _columns(view), title=title(view, found), key="service", totals=_whole(found))


def title(view: View, found: pl.DataFrame) -> str:
    """The finding: lines due, the share filled at once, and the share received in time and in full."""
    sums = _whole(found)
    said = {
        "lines": write.exact(sums["lines"]),
        "fill": write.percent(sums["fill_rate"], 0),
        "otif": write.percent(sums["otif_rate"], 0),
    }
    return view.words("service.title", **{name: write.plain(text) for name, text in said.items()})


def _account(view: View, kind: str, account: str) -> str:
    return view.channel(account) if kind == "web" else write.name(account)


def _rate(part: str, whole: str) -> pl.Expr:
    return pl.when(pl.col(whole) > 0).then(pl.col(part) / pl.col(whole))


def _whole(found: pl.DataFrame) -> dict[str, float | None]:
    """All accounts together; rates from the sums, never from the accounts' rates."""
    names = ("lines", "ordered_units", "filled_units", "judged_units", "short_units", "good_lines", "told_lines")
    sums = {name: float(found[name].sum() or 0) for name in names}
    return {
        "lines": sums["lines"],
        "ordered_units": sums["ordered_units"],
        "short_units": sums["short_units"],
        "fill_rate": sums["filled_units"] / sums["judged_units"] if sums["judged_units"] else None,
        "otif_rate": sums["good_lines"] / sums["told_lines"] if sums["told_lines"] else None,
        "told_rate": sums["told_lines"] / sums["lines"] if sums["lines"] else None,
    }


def _columns(view: View) -> list[tables.Column]:
    words = view.words
    filled, in_full = view.metric("fill_rate"), view.metric("otif_rate")

    def rate(value: float) -> str:
        return write.percent(value)

    return [
        tables.Column("account", words("term.account"), width=200),
        tables.Column("order_kind", words("service.kind")),
        tables.Column("lines", words("service.lines"), write.exact),
        tables.Column("fill_rate", filled.name, rate, help=filled.meaning),
        tables.Column("otif_rate", in_full.name, rate, help=in_full.meaning),
        tables.Column("told_rate", words("service.told"), rate, help=words("explain.told")),
        tables.Column("short_units", words("service.short"), view.short),
        tables.Column("ordered_units", words("service.ordered"), view.short),
        tables.Column("reason", words("service.reason")),
    ]
