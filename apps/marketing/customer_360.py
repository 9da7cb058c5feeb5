"""Customer 360: who is this customer, what will come of them, and why are these records one person?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from apps import format as write
from apps.components import blocks, cards, charts, frame, reasons, tables
from apps.components.cards import Card, row
from apps.components.view import View
from apps.queries import customer as asked

_WEEKS = 52


@frame.page(
    "customer_360",
    needs=(
        "mart_customer_360", "bridge_customer_identifier", "fct_sales_line", "dim_product", "bridge_customer_consent",
        "stg_customers__links",
    ),
)  # fmt: skip
def page(view: View, export: DeltaGenerator) -> None:
    """Draws one customer: the one of the URL, else the most valuable one."""
    words = view.words
    customer = _chosen(view)
    profile = asked.profile(view.warehouse, customer) if customer else None
    if profile is None:
        st.markdown(words("customer_360.finding.nobody"))
        return
    frame.finding(finding(view, profile))
    row(view, figures(view, profile))
    left, right = st.columns([5, 3], gap="small")
    with left:
        _weeks_chart(view, str(customer))
    with right:
        _facts(view, profile)
    orders = _orders(view, asked.orders(view.warehouse, str(customer)))
    columns = _order_columns(view)
    tables.table(view, orders, columns, title=words("customer_360.orders"), key="orders", seen=6, is_exported=True)
    tables.export(view, export, orders, columns, name=str(customer))
    left, right = st.columns([2, 3], gap="small")
    with left:
        _consents(view, asked.consents(view.warehouse, str(customer)))
    with right:
        _reasons(view, asked.reasons(view.warehouse, str(customer)))


def _chosen(view: View) -> str:
    """The customer whose id, or its beginning, stands in the URL; one box to type it in."""
    typed = str(st.query_params.get("customer", "")).strip().lower()
    st.session_state["customer"] = typed

    def moved() -> None:
        wanted = str(st.session_state["customer"]).strip()
        if wanted:
            st.query_params["customer"] = wanted
        else:
            st.query_params.pop("customer", None)

    with st.container(horizontal=True, gap="small", key="filters"):
        st.text_input(
            view.words("customer_360.find"),
            key="customer",
            on_change=moved,
            placeholder=view.words("customer_360.find"),
            label_visibility="collapsed",
            icon=":material/search:",
            width=260,
        )
    found = asked.found(view.warehouse, typed)
    return found[0] if found else ""


def finding(view: View, profile: dict[str, Any]) -> str:
    """One sentence: which kind of customer, silent since when, and what is expected of the next year."""
    words = view.words
    # Nobody knows after how long a silence is one where too few buy a category again.
    calm = "last" if profile["quiet_after_days"] is None else "calm"
    key = "alarm" if profile["is_churn_alarm"] else calm
    said = {
        "customer": write.plain(profile["customer_id"]),
        "segment": words.code("segment", profile["segment"]),
        "since": view.day(profile["first_order_on"]),
        "days": write.plain(write.exact(profile["recency_days"])),
        "usual": write.plain(write.exact(profile["quiet_after_days"])),
    }
    return words(f"customer_360.finding.{key}", **said)


def figures(view: View, profile: dict[str, Any]) -> list[Card]:
    """Spent so far, orders to come, value to come, and the chance that they are still here."""
    words = view.words

    def between(low: str, high: str, told: Any) -> str:
        if profile[low] is None:
            return words("customer_360.unknown")
        return words("customer_360.interval", low=told(profile[low]), high=told(profile[high]))

    return [
        cards.of(
            view,
            "monetary",
            profile["monetary_amount"],
            note=words("customer_360.orders_note", orders=write.exact(profile["frequency"])),
        ),
        cards.of(
            view,
            "expected_orders",
            profile["expected_orders"],
            note=between("expected_orders_low", "expected_orders_high", write.exact),
        ),
        cards.of(
            view,
            "expected_value",
            profile["expected_value_amount"],
            note=between(
                "expected_value_low_amount", "expected_value_high_amount", lambda value: view.money(_number(value))
            ),
        ),
        cards.of(
            view,
            "alive_rate",
            profile["alive_rate"],
            note=words("customer_360.alarm" if profile["is_churn_alarm"] else "customer_360.no_alarm"),
        ),
    ]


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _weeks_chart(view: View, customer: str) -> None:
    words = view.words
    end = write.monday(view.today) + timedelta(weeks=1)
    start = end - timedelta(weeks=_WEEKS)
    found = asked.weeks(view.warehouse, customer, start)
    largest = found.group_by("channel_id").agg(pl.col("net").sum()).sort("net", "channel_id", descending=[True, False])
    channels = largest["channel_id"].to_list() or [""]
    bought = {(week, channel): net for week, channel, net in found.iter_rows()}
    rows = [
        {
            "week_on": (start + timedelta(weeks=index)).isoformat(),
            "part": view.channel(channel),
            "rank": rank,
            "value": bought.get((start + timedelta(weeks=index), channel), 0.0),
            "tip_week": words("chart.week_of", day=view.day(start + timedelta(weeks=index))),
            "tip_value": view.money_exact(bought.get((start + timedelta(weeks=index), channel), 0.0)),
        }
        for index in range(_WEEKS)
        for rank, channel in enumerate(channels)
    ]
    tips = (
        ("tip_week", words("term.week")),
        ("part", words("term.channel")),
        ("tip_value", view.metric("net_sales").name),
    )
    palette = (view.colours.accent, view.colours.grey, view.colours.grey_soft)
    spec = charts.stacked_weeks(
        view.colours,
        view.language,
        rows,
        order=[view.channel(channel) for channel in channels],
        palette=[palette[index % len(palette)] for index in range(len(channels))],
        tips=tips,
    )
    blocks.figure(spec, title=words("customer_360.chart"), alt=words("customer_360.chart_alt"), key="customer-weeks")


def _facts(view: View, profile: dict[str, Any]) -> None:
    """What else is known, as quiet lines: name and value."""
    words = view.words
    hour = profile["favourite_hour"]
    next_rate = "" if profile["next_category_rate"] is None else f" · {write.percent(profile['next_category_rate'], 0)}"
    known = [
        ("term.segment", words.code("segment", profile["segment"])),
        ("term.member", words("code.yes" if profile["is_member"] else "code.no")),
        ("term.tier", words.code("tier", profile["tier"])),
        ("term.city", write.name(profile["city"]) if profile["city"] else write.NONE),
        ("term.favourite_channel", view.channel(profile["favourite_channel_id"])),
        ("term.favourite_category", view.category(profile["favourite_category"])),
        ("term.favourite_hour", write.NONE if hour is None else words("customer_360.hour", hour=f"{hour:02}")),
        ("term.next_category", view.category(profile["next_category"]) + next_rate),
        ("term.first_order", view.day(profile["first_order_on"])),
        *_heard(view, profile),
    ]
    with st.container(border=True, key="card-facts", gap="xsmall", height="stretch"):
        st.markdown(f"**{words('customer_360.facts')}**")
        blocks.facts([(words(key), value) for key, value in known])


def _heard(view: View, profile: dict[str, Any]) -> list[tuple[str, str]]:
    """When we last wrote to them and how they speak of us, where that is known; older versions do not say."""
    words, known = view.words, []
    if profile.get("last_touched_on") is not None:
        medium = words.code("medium", profile["last_touch_medium"])
        known.append(("term.last_touch", f"{view.day(profile['last_touched_on'])} · {medium}"))
    if profile.get("posts"):
        score = write.signed(write.exact(profile["sentiment_score"], 2))
        said = words("customer_360.posts", posts=write.exact(profile["posts"]), score=score)
        known.append(("term.posts_of_theirs", said))
    return known


def _orders(view: View, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(
        pl.col("channel_id").map_elements(view.channel, return_dtype=pl.String).alias("channel"),
        pl.col("categories")
        .map_elements(lambda text: ", ".join(view.category(one) for one in text.split(", ")), return_dtype=pl.String)
        .alias("bought"),
    )


def _order_columns(view: View) -> list[tables.Column]:
    words = view.words
    return [
        tables.Column("sold_on", words("term.day"), view.day),
        tables.Column("channel", words("term.channel")),
        tables.Column("location_id", words("term.place"), lambda code: code or write.NONE),
        tables.Column("bought", words("term.category"), width=420),
        tables.Column("units", words("term.units"), write.exact),
        tables.Column("net", view.metric("net_sales").name, view.money_exact),
    ]


def _consents(view: View, rows: pl.DataFrame) -> None:
    words = view.words
    shown = rows.with_columns(
        pl.col("purpose").map_elements(lambda code: words.code("purpose", code), return_dtype=pl.String),
        pl.col("medium").map_elements(lambda code: words.code("medium", code), return_dtype=pl.String),
        pl.col("is_granted").replace_strict(
            {True: words("customer_360.granted"), False: words("customer_360.refused")}, return_dtype=pl.String
        ),
    )
    refused = words("customer_360.refused")
    columns = [
        tables.Column("purpose", words("term.purpose")),
        tables.Column("medium", words("term.medium")),
        tables.Column("is_granted", words("term.consent"), tone=lambda text: "bad" if text == refused else "good"),
        tables.Column("answered_at", words("term.day"), lambda at: view.day(view.local(at).date())),
    ]
    tables.table(view, shown, columns, title=words("customer_360.consents"), key="consents", seen=6)


def _reasons(view: View, rows: pl.DataFrame) -> None:
    words = view.words
    shown = rows.with_columns(
        pl.col("rule").map_elements(lambda code: words.code("rule", code), return_dtype=pl.String),
        pl.col("verdict").map_elements(lambda code: words.code("link", code), return_dtype=pl.String),
        pl.col("evidence").map_elements(lambda text: reasons.evidence(words, text), return_dtype=pl.String),
    )
    columns = [
        tables.Column("rule", words("term.rule")),
        tables.Column("verdict", words("term.verdict"), tone=lambda text: "bad" if text == words("link.never") else ""),
        tables.Column("evidence", words("term.why"), width=190),
        tables.Column("sources", words("term.source")),
        tables.Column("links", words("term.links"), write.exact),
        tables.Column("last_on", words("term.last_seen"), view.day),
    ]
    tables.table(view, shown, columns, title=words("customer_360.reasons"), key="reasons", seen=6)
