"""The channels page's waterfall: what is left of the list price, step by step, and how much of it is settled."""

from __future__ import annotations

import streamlit as st

from apps import format as write
from apps.components import blocks, waterfall
from apps.components.charts import Row
from apps.components.view import View
from apps.queries import profit
from apps.queries.scope import Scope

# Each sum and what is taken off to come to it.
_CHAIN = (
    ("gross_sales", ()),
    ("net_sales", ("discount", "refunds", "tax")),
    ("cm1", ("cost",)),
    ("cm2", ("fulfilment", "platform_fee")),
    ("cm3", ("ads", "influencer", "trade_spend", "write_off")),
)


def section(view: View, scope: Scope) -> None:
    """Draws the waterfall of the span and its filters; nothing where nothing was sold."""
    if not profit.is_known(view.warehouse):
        return
    sums = profit.steps(view.warehouse, scope)
    if not sums["gross_sales"]:
        return
    words = view.words
    spec = waterfall.waterfall(
        view.colours,
        rows(view, sums),
        labels=(words("term.step"), words("term.amount"), words("term.share_of_net")),
    )
    blocks.figure(spec, title=title(view, sums), alt=words("profit.alt"), key="profit", note=words("profit.share"))
    st.caption(note(view, scope, sums))


def title(view: View, sums: dict[str, float]) -> str:
    """The chart's finding: what is left of a hundred of net sales."""
    if sums["without_cost"] or sums["net_sales"] <= 0:
        return view.words("profit.title.unknown")
    rate = sums["cm3"] / sums["net_sales"]
    key = "profit.title.kept" if rate >= 0 else "profit.title.lost"
    return view.words(key, rate=write.plain(write.percent(abs(rate))))


def rows(view: View, sums: dict[str, float]) -> list[Row]:
    """The bars from top to bottom; a step that took nothing is left out, and so are margins whose costs are unknown."""
    made: list[Row] = []
    net = sums["net_sales"]

    def add(step: str, start: float, end: float, amount: float, is_sum: bool) -> None:
        made.append(
            {
                "name": view.metric(step).name,
                "start": start,
                "end": end,
                "is_sum": is_sum,
                "text": view.money(amount),
                "exact": view.money_exact(amount),
                "share": write.percent(amount / net if net > 0 else None),
            }
        )

    left = 0.0
    for total, parts in _CHAIN:
        if total == "cm1" and sums["without_cost"]:
            break
        for part in parts:
            if sums[part]:
                add(part, left, left - sums[part], -sums[part], False)
                left -= sums[part]
        left = sums[total]
        add(total, 0.0, left, left, True)
    return made


def note(view: View, scope: Scope, sums: dict[str, float]) -> str:
    """What is settled, what is still estimated, and which suspects are left out."""
    words = view.words
    said = []
    if sums["web_sales"] > 0:
        share = min(1.0, sums["settled_sales"] / sums["web_sales"])
        said.append(words("profit.settled", share=write.plain(write.percent(share, 0))))
    if sums["estimated"]:
        said.append(words("profit.estimated", amount=write.plain(view.money(sums["estimated"]))))
    if sums["without_cost"]:
        said.append(words("profit.without_cost"))
    orders, worth = profit.suspects(view.warehouse, scope)
    if orders:
        said.append(words("profit.suspects", orders=orders, amount=write.plain(view.money(worth))))
    return " ".join(said)
