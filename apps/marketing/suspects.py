"""The channels page's section on suspected fake orders: each with its signs, and the form by which people judge it."""

from __future__ import annotations

import polars as pl
import streamlit as st

from apps import format as write
from apps.components import failures, tables
from apps.components.view import View
from apps.queries import suspects
from apps.queries.scope import Scope
from tillmill import actions
from tillmill.actions import Verdict
from tillmill.errors import TillmillError

_SIGNS = ("is_burst", "is_empty", "is_instant", "is_flagged_by_shop")
_SEEN = 6
TAKE_BACK = "take_back"


def section(view: View, scope: Scope) -> None:
    """Draws the span's orders that are suspected or were judged, and the form; nothing where there are none."""
    found = suspects.listed(view.warehouse, scope)
    if found.is_empty():
        return
    waiting = {(one.shop_id, one.order_id): one for one in actions.pending_verdicts(view.root)}
    shown = _shown(view, found, waiting)
    title = view.words("suspects.table", orders=write.exact(found.filter("is_suspect").height))
    tables.table(view, shown, _columns(view), title=title, key="suspects", seen=_SEEN)
    _form(view, found, waiting)


def _shown(view: View, found: pl.DataFrame, waiting: dict[tuple[str, str], Verdict]) -> pl.DataFrame:
    words = view.words
    rows = list(found.iter_rows(named=True))
    signs = [[words.code("suspect_sign", sign) for sign in _SIGNS if row[sign]] for row in rows]
    return found.with_columns(
        pl.Series("shop", [view.channel(row["channel_id"]) for row in rows], dtype=pl.String),
        pl.Series("signs", [words("suspects.and").join(one) or write.NONE for one in signs], dtype=pl.String),
        pl.Series("status", [_status(view, row, waiting) for row in rows], dtype=pl.String),
    )


def _status(view: View, row: dict[str, str | bool | None], waiting: dict[tuple[str, str], Verdict]) -> str:
    said = waiting.get((str(row["shop_id"]), str(row["order_id"])))
    if said is not None:
        return view.words("suspects.pending", verdict=view.words(f"suspects.{said.verdict or TAKE_BACK}"))
    if row["verdict"] is not None:
        return view.words(f"suspects.{row['verdict']}")
    return view.words("suspects.suspected" if row["is_suspect"] else "suspects.counted")


def _form(view: View, found: pl.DataFrame, waiting: dict[tuple[str, str], Verdict]) -> None:
    """One order, one verdict, why and who; kept at once and obeyed by the next run."""
    words = view.words
    orders = {(row["shop_id"], row["order_id"]): row for row in found.iter_rows(named=True)}
    with st.container(border=True, key="card-verdict", gap="small"):
        st.markdown(f"**{words('suspects.judge')}**")
        st.caption(words("suspects.judge_note"))
        first, second, third, fourth = st.columns([3, 2, 3, 2], gap="small")
        key = first.selectbox(
            words("suspects.order"),
            list(orders),
            format_func=lambda one: _label(view, orders[one]),
            key="verdict-order",
        )
        standing = waiting[key].verdict if key in waiting else orders[key]["verdict"]
        choices = [code for code in ("honest", "fake") if code != standing] + ([TAKE_BACK] if standing else [])
        verdict = second.selectbox(
            words("suspects.verdict"), choices, format_func=lambda code: words(f"suspects.{code}"), key="verdict"
        )
        reason = third.text_input(words("suspects.reason"), key="verdict-reason")
        author = fourth.text_input(words("segments.by"), key="verdict-by")
        is_ready = bool(reason.strip()) and bool(author.strip())
        if st.button(words("suspects.keep"), icon=":material/gavel:", disabled=not is_ready, key="verdict-keep"):
            _keep(view, key, None if verdict == TAKE_BACK else verdict, standing, reason, author)


def _keep(view: View, key: tuple[str, str], verdict: str | None, before: str | None, reason: str, author: str) -> None:
    try:
        actions.judge_order(view.root, *key, verdict, before=before, reason=reason, author=author)
    except TillmillError as error:
        st.text(failures.said(view.words, error))
        return
    st.rerun()


def _label(view: View, row: dict[str, object]) -> str:
    return f"{row['order_id']} · {view.channel(str(row['channel_id']))}"


def _columns(view: View) -> list[tables.Column]:
    words = view.words
    quiet = {words("suspects.counted"), words("suspects.honest")}
    waits = words("suspects.pending", verdict="")

    def tone(value: str) -> str:
        return "quiet" if value in quiet else "warn" if value.startswith(waits) else "bad"

    return [
        tables.Column("order_id", words("suspects.order"), width=170),
        tables.Column("shop", words("term.channel")),
        tables.Column("ordered_on", words("suspects.ordered_on"), view.day),
        tables.Column("status", words("term.status"), tone=tone),
        tables.Column("signs", words("suspects.signs"), width=300, help=words("explain.signs")),
        tables.Column("net_sales", view.metric("net_sales").name, view.money),
        tables.Column("verdict_by", words("suspects.by"), write.name, width=100),
        tables.Column("verdict_reason", words("suspects.reason"), write.name, width=180),
    ]
