"""Decisions: did what we decided bring what we expected of it?"""

from __future__ import annotations

from datetime import date

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from apps import format as write
from apps.components import blocks, cards, charts_supply, failures, filters, frame, tables
from apps.components.cards import Card, row
from apps.components.view import View
from apps.queries import decisions
from apps.queries.decisions import Outcome
from tillmill import actions
from tillmill.actions import Decision
from tillmill.errors import TillmillError
from tillmill.workspace import to_business_date

_SHOWN = 12
_SCHEMA = {
    "subject": pl.String,
    "kind": pl.String,
    "decided_on": pl.Date,
    "expected": pl.Float64,
    "realised": pl.Float64,
    "beyond": pl.Float64,
    "state": pl.String,
    "basis": pl.String,
    "author": pl.String,
    "decision_id": pl.String,
}


@frame.page("decisions", needs=("mart_metric", "mart_decision"))
def page(view: View, export: DeltaGenerator) -> None:
    """Draws the page for the filters of the URL; the forms stand there before the first decision too."""
    known = actions.known_decisions(view.root, view.warehouse.table)
    kinds = [kind for kind in actions.KINDS if any(one.kind == kind for one in known)]
    chosen = filters.row(view, [filters.coded(view, "decision_kind", kinds, ":material/category:")])
    kind = chosen["decision_kind"]
    found = decisions.outcome(view.warehouse, kind)
    shown = [one for one in known if kind in (None, one.kind)]
    frame.finding(finding(view, found, waiting=len(shown)))
    row(view, figures(view, found))
    _chart(view, [one for one in shown if one.deviation_amount is not None])
    listed = _listed(view, shown)
    columns = _columns(view)
    tables.table(view, listed, columns, title=view.words("decisions.table"), key="decisions", is_exported=True)
    first, second = st.columns(2, gap="small")
    with first:
        _record(view)
    with second:
        _settle(view, known)
    extra = [tables.Column("decision_id", view.words("decisions.id"))]
    tables.export(view, export, listed, [*columns, *extra], name="decisions")


def finding(view: View, found: Outcome, waiting: int = 0) -> str:
    """One sentence: how many outcomes are known, and what they brought of what was expected; `waiting` for the next run
    are all that there are while none has landed."""
    words = view.words
    if not found.decisions:
        return words("decisions.finding.waiting" if waiting else "decisions.finding.none", waiting=write.exact(waiting))
    said = {"decisions": write.exact(found.decisions), "judged": write.exact(found.judged)}
    if found.realised is None or found.expected is None:
        return words("decisions.finding.open", **said)
    said |= {
        "realised": write.plain(view.money(found.realised)),
        "expected": write.plain(view.money(found.expected)),
    }
    return words("decisions.finding.some", **said)


def figures(view: View, found: Outcome) -> list[Card]:
    """Decisions, what those with an outcome were expected to bring, what they brought, and the one of the other."""
    note = view.words("decisions.judged_note", judged=write.exact(found.judged))
    return [
        cards.of(view, "decisions", found.decisions, note=note),
        cards.of(view, "expected_outcome", found.expected, note=view.words("decisions.known_note")),
        cards.of(view, "realised_outcome", found.realised, note=view.words("decisions.known_note")),
        cards.of(view, "realisation_rate", found.rate, note=view.words("decisions.rate_note")),
    ]


def _chart(view: View, judged: list[Decision]) -> None:
    """What the newest decisions with an outcome brought, each with the way from what was expected; none without one."""
    if not judged:
        return
    words = view.words
    rows = []
    for one in judged[:_SHOWN]:
        expected, realised = one.expected_amount or 0.0, one.realised_amount or 0.0
        colour = view.colours.good if realised >= expected else view.colours.bad
        rows.append(
            {
                "name": f"{one.subject[:34]} · {words.code('decision_kind', one.kind)} · {one.decision_id[:4]}",
                "value": realised,
                "low": min(expected, realised),
                "high": max(expected, realised),
                "colour": colour,
                "tip_expected": view.money_exact(expected),
                "tip_realised": view.money_exact(realised),
            }
        )
    expected_name, realised_name = (view.metric(name).name for name in ("expected_outcome", "realised_outcome"))
    tips = (("name", words("decisions.decision")), ("tip_expected", expected_name), ("tip_realised", realised_name))
    spec = charts_supply.intervals(
        view.colours, rows, axis_title=view.brand.currency, tips=tips, language=view.language
    )
    note = words("decisions.chart_note", shown=len(rows), all=len(judged))
    blocks.figure(spec, title=words("decisions.chart"), alt=words("decisions.chart_alt"), key="outcomes", note=note)


def _listed(view: View, known: list[Decision]) -> pl.DataFrame:
    rows = [
        {
            "subject": one.subject,
            "kind": view.words.code("decision_kind", one.kind),
            "decided_on": _day(view, one),
            "expected": one.expected_amount,
            "realised": one.realised_amount,
            "beyond": one.deviation_amount,
            "state": view.words(f"decisions.state.{one.state}"),
            "basis": one.basis,
            "author": one.author,
            "decision_id": one.decision_id,
        }
        for one in known
    ]
    return pl.DataFrame(rows, schema=_SCHEMA)


def _columns(view: View) -> list[tables.Column]:
    words = view.words
    tones = {words("decisions.state.pending"): "warn"}

    def beyond(value: float) -> str:
        return "good" if value > 0 else "bad" if value < 0 else "quiet"

    return [
        tables.Column("subject", words("decisions.subject"), write.name, width=220),
        tables.Column("kind", words("decisions.kind")),
        tables.Column("decided_on", words("decisions.decided_on"), view.day),
        tables.Column("expected", view.metric("expected_outcome").name, view.money),
        tables.Column("realised", view.metric("realised_outcome").name, view.money),
        tables.Column("beyond", words("decisions.beyond"), lambda value: write.signed(view.money(value)), beyond),
        tables.Column("state", words("term.status"), tone=lambda value: tones.get(value, "quiet")),
        tables.Column("basis", words("decisions.basis"), write.name, width=260),
        tables.Column("author", words("decisions.by"), write.name, width=120),
    ]


def _record(view: View) -> None:
    """What was decided and what it shall bring; kept at once, in the ledger from the next run on."""
    words = view.words
    with st.container(border=True, key="card-record", gap="small", height="stretch"):
        st.markdown(f"**{words('decisions.record')}**")
        st.caption(words("decisions.record_note"))
        first, second = st.columns(2, gap="small")
        kind = first.selectbox(
            words("decisions.kind"),
            actions.KINDS,
            format_func=lambda code: words.code("decision_kind", code),
            key="record-kind",
        )
        of = kind if kind in actions.MEASURED else "other"
        subject = second.text_input(
            words("decisions.subject"), key="record-subject", help=words(f"decisions.subject_of.{of}")
        )
        expected = first.number_input(
            words("decisions.expected", currency=view.brand.currency), value=None, step=100.0, key="record-expected"
        )
        author = second.text_input(words("segments.by"), key="record-by")
        basis = st.text_input(words("decisions.basis"), key="record-basis")
        is_ready = expected is not None and all(text.strip() for text in (subject, author, basis))
        if not st.button(words("decisions.keep"), icon=":material/save:", disabled=not is_ready, key="record-keep"):
            return
        try:
            actions.record_decision(
                view.root, str(kind), subject, expected_amount=float(expected or 0), basis=basis, author=author
            )
        except TillmillError as error:
            st.text(failures.said(words, error))
            return
        st.rerun()


def _settle(view: View, known: list[Decision]) -> None:
    """What one decision brought, where nothing measures it or people know better."""
    words = view.words
    by_id = {one.decision_id: one for one in known}
    with st.container(border=True, key="card-settle", gap="small", height="stretch"):
        st.markdown(f"**{words('decisions.settle')}**")
        st.caption(words("decisions.settle_note"))
        chosen = st.selectbox(
            words("decisions.decision"),
            list(by_id),
            format_func=lambda one: f"{by_id[one].subject} · {view.day(_day(view, by_id[one]))}",
            key="settle-decision",
            placeholder=words("decisions.finding.none"),
        )
        first, second = st.columns(2, gap="small")
        realised = first.number_input(
            words("decisions.realised", currency=view.brand.currency), value=None, step=100.0, key="settle-realised"
        )
        author = second.text_input(words("segments.by"), key="settle-by")
        is_ready = chosen is not None and realised is not None and bool(author.strip())
        if not st.button(words("decisions.say"), icon=":material/check:", disabled=not is_ready, key="settle-keep"):
            return
        try:
            actions.settle_decision(view.root, str(chosen), float(realised or 0), by=author, read=view.warehouse.table)
        except TillmillError as error:
            st.text(failures.said(words, error))
            return
        st.rerun()


def _day(view: View, one: Decision) -> date:
    return to_business_date(one.at, view.brand.timezone, view.brand.day_starts_at)
