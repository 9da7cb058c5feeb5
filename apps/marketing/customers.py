"""Customers: who buys, who is new, and who is slipping away?"""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from apps import format as write
from apps.components import blocks, cards, charts, filters, frame, tables
from apps.components.cards import Card, row
from apps.components.view import View
from apps.queries import customers
from apps.queries.scope import Scope

_AT_RISK = ("at risk",)
_SEGMENTS = 8


@frame.page(
    "customers",
    needs=("mart_customer_360", "bridge_customer_identifier", "fct_sales_line", "dim_product", "mart_channel_daily"),
)
def page(view: View, export: DeltaGenerator) -> None:
    """Draws the page for the span and filters of the URL."""
    everyone = customers.segments(view.warehouse, Scope(view.today, view.today))
    chosen = filters.row(
        view,
        [
            filters.period(view),
            *filters.standard(view, "channel", "product"),
            filters.coded(view, "segment", everyone["segment"].to_list(), ":material/groups:"),
        ],
    )
    scope = filters.scope(view, chosen)
    spans = {bool(found["is_now"]): found for found in customers.buyers(view.warehouse, scope).iter_rows(named=True)}
    segments = customers.segments(view.warehouse, scope)
    weeks = customers.weekly(view.warehouse, scope)
    frame.finding(finding(view, spans, segments))
    row(view, figures(view, scope, spans, weeks, customers.repurchase(view.warehouse, scope)))
    left, right = st.columns([2, 1], gap="small")
    with left:
        _weeks_chart(view, scope, weeks)
    with right:
        _segments_chart(view, scope, segments)
    listed = _listed(view, customers.listed(view.warehouse, scope, chosen.get("segment")))
    columns = _columns(view)
    totals = {"monetary": listed["monetary"].sum(), "frequency": listed["frequency"].sum()}
    tables.table(
        view,
        listed,
        columns,
        title=view.words("customers.table"),
        key="customers",
        totals=totals,
        link="address",
        is_exported=True,
    )
    tables.export(view, export, listed, columns, name="customers")


def finding(view: View, spans: dict[bool, dict[str, float]], segments: pl.DataFrame) -> str:
    """One sentence: buyers of the span, how many are new, and what customers at risk are worth."""
    words = view.words
    now = spans.get(True)
    if now is None or not now["buyers"]:
        return words("customers.finding.none")
    said = {
        "buyers": write.plain(write.exact(now["buyers"])),
        "new": write.plain(write.percent(now["new_buyers"] / now["buyers"], 0)),
    }
    risky = segments.filter(pl.col("segment").is_in(_AT_RISK))
    if risky.is_empty():
        return words("customers.finding.some", **said)
    worth = float(risky["monetary"].sum()) / float(segments["monetary"].sum() or 1)
    said |= {
        "risky": write.plain(write.exact(risky["customers"].sum())),
        "worth": write.plain(write.percent(worth, 0)),
    }
    return words("customers.finding.risk", **said)


def figures(
    view: View, scope: Scope, spans: dict[bool, dict[str, float]], weeks: pl.DataFrame, repurchase: pl.DataFrame
) -> list[Card]:
    """Buyers, share of new buyers, repurchase rate and spend per buyer, against the span before."""
    words = view.words
    nothing = {"buyers": 0, "repeat_buyers": 0, "new_buyers": 0, "net": 0.0}
    now, before = spans.get(True, nothing), spans.get(False, nothing)
    note = words("card.before", weeks=scope.weeks)
    course = (
        weeks.group_by("week_on")
        .agg(pl.col("buyers", "net").sum(), pl.col("buyers").filter(pl.col("is_new")).sum().alias("new"))
        .sort("week_on")
    )
    points = words("unit.points")

    def rate(span: dict[str, float], part: str) -> float | None:
        return span[part] / span["buyers"] if span["buyers"] else None

    return [
        cards.of(
            view,
            "buyers",
            now["buyers"],
            write.change(now["buyers"], before["buyers"]),
            note=note,
            course=course["buyers"].to_list(),
        ),
        cards.of(
            view,
            "new_share",
            rate(now, "new_buyers"),
            write.points(rate(now, "new_buyers"), rate(before, "new_buyers"), points),
            "",
            words("card.before_short"),
            (course["new"] / course["buyers"]).to_list(),
        ),
        cards.of(
            view,
            "repurchase_rate",
            rate(now, "repeat_buyers"),
            write.points(rate(now, "repeat_buyers"), rate(before, "repeat_buyers"), points),
            note=words("card.before_short"),
            course=repurchase["rate"].to_list(),
        ),
        cards.of(
            view,
            "spend_per_buyer",
            rate(now, "net"),
            write.change(rate(now, "net"), rate(before, "net")),
            note=note,
            course=(course["net"] / course["buyers"]).to_list(),
        ),
    ]


def _weeks_chart(view: View, scope: Scope, weeks: pl.DataFrame) -> None:
    words = view.words
    found = {(week, new): buyers for week, new, buyers in weeks.select("week_on", "is_new", "buyers").iter_rows()}
    parts = (words("customers.returning"), words("customers.new"))
    rows = [
        {
            "week_on": week.isoformat(),
            "part": parts[int(new)],
            "rank": int(new),
            "value": found.get((week, new), 0),
            "tip_week": words("chart.week_of", day=view.day(week)),
            "tip_value": write.exact(found.get((week, new), 0)),
        }
        for week in scope.week_starts()
        for new in (False, True)
    ]
    tips = (("tip_week", words("term.week")), ("part", view.metric("buyers").name), ("tip_value", words("term.count")))
    palette = (view.colours.grey_soft, view.colours.accent)
    spec = charts.stacked_weeks(view.colours, view.language, rows, order=parts, palette=palette, tips=tips)
    until = view.day_short(scope.end_on - timedelta(days=1))
    blocks.figure(spec, title=words("customers.chart"), alt=words("customers.chart_alt", day=until), key="weeks")


def _segments_chart(view: View, scope: Scope, segments: pl.DataFrame) -> None:
    words = view.words
    active, members = view.metric("active_members"), customers.active_members(view.warehouse, scope)
    total = segments["monetary"].sum() or 1.0
    tones = {"champion": view.colours.accent, "at risk": view.colours.bad}
    rows = [
        {
            "name": words.code("segment", segment["segment"]),
            "value": segment["monetary"],
            "text": words(
                "customers.segment_text",
                customers=write.exact(segment["customers"]),
                share=write.percent(segment["monetary"] / total, 0),
            ),
            "colour": tones.get(segment["segment"], view.colours.grey),
            "worth": view.money(segment["monetary"]),
            "recency": words("unit.days", days=write.exact(segment["recency_days"])),
        }
        for segment in segments.head(_SEGMENTS).iter_rows(named=True)
    ]
    labels = (words("term.segment"), view.metric("monetary").name, words("term.recency"))
    spec = charts.ranked_bars(view.colours, rows, labels=labels, tips=("name", "worth", "recency"), row_height=36)
    blocks.figure(
        spec,
        title=words("customers.segments"),
        alt=words("customers.segments_alt"),
        key="segments",
        note="" if members is None else f"{active.name} {view.written('active_members', members)}",
        explained=active.meaning,
    )


def _listed(view: View, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(
        filters.address(view, "customer-360", "customer_id", "customer").alias("address"),
        pl.col("segment")
        .map_elements(lambda code: view.words.code("segment", code), return_dtype=pl.String)
        .alias("segment_word"),
        pl.col("favourite_channel_id").map_elements(view.channel, return_dtype=pl.String).alias("channel"),
        pl.col("is_member")
        .replace_strict(
            {True: view.words("code.yes"), False: view.words("code.no")}, default="", return_dtype=pl.String
        )
        .alias("member"),
    )


def _columns(view: View) -> list[tables.Column]:
    words = view.words
    worrying = {words.code("segment", code) for code in _AT_RISK}
    return [
        tables.Column("customer_id", words("term.customer"), width=170),
        tables.Column("segment_word", words("term.segment"), tone=lambda value: "bad" if value in worrying else ""),
        tables.Column("monetary", view.metric("monetary").name, view.money),
        tables.Column("frequency", view.metric("orders").name, view.short),
        tables.Column("recency_days", words("term.recency"), lambda days: words("unit.days", days=write.exact(days))),
        tables.Column("last_order_on", words("term.last_order"), view.day),
        tables.Column("first_order_on", words("term.first_order"), view.day),
        tables.Column("channel", words("term.favourite_channel")),
        tables.Column("favourite_category", words("term.favourite_category"), view.category),
        tables.Column("member", words("term.member")),
    ]
