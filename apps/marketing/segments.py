"""Segments: whom does a rule hold for, how does that change, and whom may we write to?"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from apps import format as write
from apps.components import blocks, cards, charts, filters, frame, tables
from apps.components.cards import Card, row
from apps.components.view import View
from apps.marketing import segment_forms
from apps.queries import segments as asked
from tillmill import actions
from tillmill.actions import Preview, Segment
from tillmill.errors import TillmillError


@frame.page("segments", needs=("mart_customer_360", "bridge_customer_consent", "mart_segment", "mart_activation"))
def page(view: View, export: DeltaGenerator) -> None:
    """Draws the segment of the URL, all of them in a table, and what can be done with it."""
    words = view.words
    known = {segment.segment_id: segment for segment in actions.segments(view.root)}
    counted = {name: _counted(view, segment) for name, segment in known.items()}
    chosen = filters.row(
        view,
        [
            filters.Choice(
                "group", list(known), lambda code: name_of(view, known[code]), ":material/groups:", next(iter(known))
            )
        ],
    )
    segment = known[chosen["group"] or next(iter(known))]
    found = counted[segment.segment_id]
    frame.finding(finding(view, segment, found))
    if found is not None:
        row(view, figures(view, found))
    left, right = st.columns([2, 1], gap="small")
    with left:
        _trend(view, segment)
    with right:
        _overlap(view, segment, known)
    listed = _listed(view, list(known.values()), counted)
    columns = _columns(view)
    tables.table(view, listed, columns, title=words("segments.table"), key="segments", link="address", is_exported=True)
    tables.export(view, export, listed, columns, name="segments")
    left, right = st.columns(2, gap="small")
    with left:
        segment_forms.edit(view, segment, name_of(view, segment))
    with right:
        segment_forms.hand_over(view, segment, found)
    lists = asked.exports(view.warehouse, segment.segment_id)
    if not lists.is_empty():
        _lists(view, lists)


def name_of(view: View, segment: Segment) -> str:
    """The segment's name; what Tillmill brings along is named in the reader's language."""
    return view.words.code("starter", segment.segment_id) if segment.version == 0 else write.name(segment.name)


def finding(view: View, segment: Segment, found: Preview | None) -> str:
    """One sentence: how many of how many, what they spent and are to spend, and how many have gone quiet."""
    words = view.words
    name = write.plain(name_of(view, segment))
    if found is None:
        return words("segments.finding.unread", name=name)
    return words(
        "segments.finding.some",
        name=name,
        customers=write.plain(write.exact(found.customers)),
        share=write.plain(write.percent(found.customers / found.everybody if found.everybody else None, 0)),
        expected=write.plain(view.money(found.expected_value_amount)),
        alarms=write.plain(write.exact(found.churn_alarms)),
    )


def figures(view: View, found: Preview) -> list[Card]:
    """Customers, spent so far, value to come, and how many of them can be reached."""
    words = view.words
    media = " · ".join(f"{words.code('medium', name)} {write.exact(count)}" for name, count in found.reachable.items())
    return [
        cards.of(view, "customers", found.customers, note=words("segments.of_all", all=write.exact(found.everybody))),
        cards.of(view, "monetary", found.monetary_amount, note=words("segments.so_far")),
        cards.of(view, "expected_value", found.expected_value_amount, note=words("segments.next_year")),
        Card(
            words("term.reachable"),
            view.short(max(found.reachable.values(), default=0)),
            note=media or words("segments.nobody"),
            explained=words("explain.reachable"),
        ),
    ]


def _counted(view: View, segment: Segment) -> Preview | None:
    """Whom the rule holds for; None where its columns are gone."""
    try:
        return _preview(view.version, segment.rule, view)
    except TillmillError:
        return None


# A version and a rule never change, so what they gave is kept; the view (_view) is no part of the question.
@st.cache_data(max_entries=64, show_spinner=False)
def _preview(version: int, rule: str, _view: View) -> Preview:
    return actions.preview_segment(_view.root, rule, _view.warehouse.table)


@st.cache_data(max_entries=8, show_spinner=False)
def _overlaps(version: int, rules: tuple[tuple[str, str], ...], _view: View) -> pl.DataFrame:
    return actions.segment_overlap(_view.root, _view.warehouse.table)


def _trend(view: View, segment: Segment) -> None:
    words = view.words
    found = asked.trend(view.warehouse, segment.segment_id)
    rows = [
        {
            "week_on": as_of.isoformat(),
            "value": customers,
            "before": None,
            "tip_week": view.day(as_of),
            "tip_value": write.exact(customers),
            "tip_before": words("segments.version", version=version),
        }
        for as_of, version, customers in found.iter_rows()
    ]
    labels = (words("term.day"), view.metric("customers").name, words("term.rule"))
    spec = charts.small_line(view.colours, view.language, rows, prefix="", labels=labels)
    alt = words("segments.trend_alt", name=name_of(view, segment))
    blocks.figure(spec, title=words("segments.trend"), alt=alt, key="trend", note=words("segments.trend_note"))


def _overlap(view: View, segment: Segment, known: dict[str, Segment]) -> None:
    words = view.words
    rules = tuple((one.segment_id, one.rule) for one in known.values())
    pairs = _overlaps(view.version, rules, view)
    own = segment.segment_id
    mine = pairs.filter((pl.col("left") == own) | (pl.col("right") == own)).sort("share", descending=True)
    rows = [
        {
            "name": name_of(view, known[right if left == own else left]),
            "value": share,
            "text": write.percent(share, 0),
            "colour": view.colours.grey,
            "both": write.exact(both),
        }
        for left, right, both, share in mine.head(6).iter_rows()
    ]
    labels = (words("term.segment"), view.metric("customers").name)
    spec = charts.ranked_bars(view.colours, rows, labels=labels, tips=("name", "both"), row_height=36)
    blocks.figure(spec, title=words("segments.overlap"), alt=words("segments.overlap_alt"), key="overlap")


def _listed(view: View, known: Sequence[Segment], counted: dict[str, Preview | None]) -> pl.DataFrame:
    words = view.words
    rows = []
    for segment in known:
        found = counted[segment.segment_id]
        state = "pending" if segment.is_pending else "own" if segment.version else "starter"
        rows.append(
            {
                "segment_id": segment.segment_id,
                "name": name_of(view, segment),
                "customers": found.customers if found else None,
                "share": found.customers / found.everybody if found and found.everybody else None,
                "monetary": found.monetary_amount if found else None,
                "expected": found.expected_value_amount if found else None,
                "alarms": found.churn_alarms if found else None,
                "state": words(f"segments.state.{state}", version=segment.version)
                if found
                else words("segments.unread"),
                "rule": segment.rule,
            }
        )
    frame_ = pl.DataFrame(rows, infer_schema_length=None)
    return frame_.with_columns(filters.address(view, "segments", "segment_id", "group").alias("address"))


def _columns(view: View) -> list[tables.Column]:
    words = view.words
    unread = words("segments.unread")
    return [
        tables.Column("name", words("term.segment"), width=220),
        tables.Column("customers", view.metric("customers").name, write.exact),
        tables.Column("share", words("term.share"), lambda rate: write.percent(rate, 0)),
        tables.Column("monetary", view.metric("monetary").name, view.money),
        tables.Column("expected", view.metric("expected_value").name, view.money),
        tables.Column("alarms", view.metric("churn_alarms").name, write.exact),
        tables.Column("state", words("term.status"), tone=lambda text: "bad" if text == unread else "quiet"),
        tables.Column("rule", words("term.rule"), width=360),
    ]


def _lists(view: View, rows: pl.DataFrame) -> None:
    words = view.words
    shown = rows.with_columns(
        pl.col("medium").map_elements(lambda code: words.code("medium", code), return_dtype=pl.String),
        pl.col("is_complete").replace_strict(
            {True: words("segments.complete"), False: words("segments.running")}, return_dtype=pl.String
        ),
    )
    columns = [
        tables.Column("export_id", words("term.export"), width=200),
        tables.Column("exported_at", words("term.day"), lambda at: view.day(view.local(at).date())),
        tables.Column("medium", words("term.medium")),
        tables.Column("exported", words("term.on_list"), write.exact),
        tables.Column("held_out", words("term.held_out"), write.exact),
        tables.Column("exported_rate", words("term.on_list_bought"), lambda rate: write.percent(rate, 0)),
        tables.Column("held_out_rate", words("term.held_out_bought"), lambda rate: write.percent(rate, 0)),
        tables.Column("is_complete", words("term.status"), tone=lambda _: "quiet"),
    ]
    tables.table(view, shown, columns, title=words("segments.lists"), key="lists", seen=5)
