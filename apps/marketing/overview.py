"""Overview: how is the brand doing? Net sales by week, channels, and what moved most."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from apps import format as write
from apps.components import blocks, cards, charts, filters, frame, tables
from apps.components.cards import Card, row
from apps.components.view import View
from apps.queries import sales
from apps.queries.scope import Scope

_SHARES = 7
_LEAST = 3


@frame.page("overview", needs=("fct_sales_line", "mart_channel_daily", "dim_product"))
def page(view: View, export: DeltaGenerator) -> None:
    """Draws the page for the span and filters of the URL."""
    chosen = filters.row(view, [filters.period(view), *filters.standard(view, "channel", "region", "product")])
    scope = filters.scope(view, chosen)
    running = filters.current_week(view, scope.end_on)
    both = Scope(
        scope.before().start_on,
        scope.end_on + timedelta(weeks=1 if running else 0),
        scope.channel,
        scope.region,
        scope.category,
    )
    weeks = sales.weekly(view.warehouse, both)
    now, before = _between(weeks, scope.start_on, scope.end_on), _between(weeks, both.start_on, scope.start_on)
    movers = sales.by_product(view.warehouse, scope)
    frame.finding(finding(view, scope, now, before, movers))
    row(view, figures(view, scope, now, before))
    left, right = st.columns([2, 1], gap="small")
    with left:
        _weeks_chart(view, scope, weeks, running)
    with right:
        _shares_charts(view, scope, now, before, movers)
    columns = _columns(view)
    totals: dict[str, float | None] = {name: _total(movers, name) for name in ("net", "net_before", "moved", "units")}
    totals["rate"] = write.change(totals["net"], totals["net_before"]).rate
    listed = movers.with_columns(filters.address(view, "demand", "sku").alias("address"))
    tables.table(
        view,
        listed,
        columns,
        title=view.words("overview.table"),
        key="movers",
        totals=totals,
        link="address",
        is_exported=True,
    )
    tables.export(view, export, movers, columns, name="overview")


def finding(view: View, scope: Scope, now: pl.DataFrame, before: pl.DataFrame, movers: pl.DataFrame) -> str:
    """One sentence: net sales of the span, the change, and the category behind most of it."""
    words = view.words
    net, net_before = _total(now, "net"), _total(before, "net")
    said = {
        "net": write.plain(view.money(net)),
        "span": write.plain(write.span(scope.start_on, scope.end_on - timedelta(days=1), view.language)),
    }
    moved = write.change(net, net_before)
    if moved.direction == "none":
        return words("overview.finding.none", **said)
    said |= {"weeks": str(scope.weeks), "change": write.plain(moved.text.lstrip(f"+{write.MINUS}"))}
    margin = write.change(_margin(now), _margin(before))
    said["margin"] = "" if margin.rate is None else words("overview.finding.margin", change=write.plain(margin.text))
    if moved.direction == "flat":
        return words("overview.finding.flat", **said)
    by_category = movers["category"].n_unique() > 1
    group = pl.col("category") if by_category else pl.coalesce("name", "sku").alias("category")
    sums = movers.group_by(group).agg((pl.col("net").sum() - pl.col("net_before").sum()).alias("moved"))
    first = sums.sort("moved", "category", descending=[moved.direction == "up", False]).row(0, named=True)
    said["category"] = write.plain((view.category if by_category else view.item)(first["category"]))
    said["part"] = write.plain(view.money(abs(first["moved"])))
    return words(f"overview.finding.{moved.direction}", **said)


def figures(view: View, scope: Scope, now: pl.DataFrame, before: pl.DataFrame) -> list[Card]:
    """Net sales, contribution margin, orders and spend per order, against the span before."""
    words = view.words
    course = now.group_by("week_on").agg(pl.col("net", "costed", "cost", "orders").sum()).sort("week_on")
    note = words("card.before", weeks=scope.weeks)
    values = {"net": _total(now, "net"), "orders": _total(now, "orders")}
    earlier = {"net": _total(before, "net"), "orders": _total(before, "orders")}
    margin, margin_before = _margin(now), _margin(before)
    spend = values["net"] / values["orders"] if values["orders"] else None
    spend_before = earlier["net"] / earlier["orders"] if earlier["orders"] else None
    return [
        cards.of(
            view,
            "net_sales",
            values["net"],
            write.change(values["net"], earlier["net"]),
            note=note,
            course=course["net"].to_list(),
        ),
        cards.of(
            view,
            "cm1",
            margin,
            write.change(margin, margin_before),
            note=note if margin is not None else words("card.no_cost"),
            course=(course["costed"] - course["cost"]).to_list() if margin is not None else (),
        ),
        cards.of(
            view,
            "orders",
            values["orders"],
            write.change(values["orders"], earlier["orders"]),
            note=note,
            course=course["orders"].to_list(),
        ),
        cards.of(
            view,
            "spend_per_order",
            spend,
            write.change(spend, spend_before),
            note=note,
            course=(course["net"] / course["orders"]).to_list(),
        ),
    ]


def _weeks_chart(view: View, scope: Scope, weeks: pl.DataFrame, running: date | None) -> None:
    words = view.words
    by_week = dict(weeks.group_by("week_on").agg(pl.col("net").sum()).iter_rows())
    shown = [*scope.week_starts(), *([running] if running else [])]
    rows = []
    for week in shown:
        earlier = by_week.get(week - timedelta(weeks=scope.weeks))
        rows.append(
            {
                "week_on": week.isoformat(),
                "value": by_week.get(week, 0.0),
                "before": earlier,
                "is_partial": week == running,
                "tip_week": words("chart.week_so_far" if week == running else "chart.week_of", day=view.day(week)),
                "tip_value": view.money_exact(by_week.get(week, 0.0)),
                "tip_before": view.money_exact(earlier),
            }
        )
    labels = (words("term.week"), view.metric("net_sales").name, words("chart.before", weeks=scope.weeks))
    spec = charts.weekly_bars(view.colours, view.language, rows, prefix=view.money(0)[:-1], labels=labels, height=306)
    has_before = any(row["before"] is not None for row in rows)
    if has_before:
        note = words("chart.note_running" if running else "chart.note", weeks=scope.weeks)
    else:
        note = words("chart.running") if running else ""
    blocks.figure(
        spec, title=words("overview.chart"), alt=words("overview.chart_alt", weeks=scope.weeks), key="weeks", note=note
    )


def _shares_charts(view: View, scope: Scope, now: pl.DataFrame, before: pl.DataFrame, movers: pl.DataFrame) -> None:
    words = view.words
    by_channel = _summed(now, before, "channel_id")
    channel_name: Callable[[str | None], str] = view.channel
    if by_channel.height < 2:
        # One channel says nothing of where: its places do.
        places = sales.by_place(view.warehouse, scope)
        by_channel = places.select(pl.coalesce("name", "location_id"), "net", "net_before")
        channel_name = view.item
    by_category = (
        movers.group_by("category")
        .agg(pl.col("net", "net_before").sum())
        .sort("net", "category", descending=[True, False])
    )
    category_name: Callable[[str | None], str] = view.category
    if by_category.height < 2:
        by_category = movers.select(pl.coalesce("name", "sku"), "net", "net_before").sort("net", descending=True)
        category_name = view.item
    total = _total(now, "net") or 1.0
    channels = _share_rows(view, by_channel.head(_SHARES - _LEAST), channel_name, total)
    categories = _share_rows(view, by_category.head(_SHARES - len(channels)), category_name, total)
    labels = (view.metric("net_sales").name, words("term.change"))
    with st.container(border=True, key="card-chart-shares", gap="xsmall", height="stretch"):
        for name, rows in (("channels", channels), ("products", categories)):
            term = words("term.channel" if name == "channels" else "term.category")
            spec = charts.ranked_bars(view.colours, rows, labels=(term, *labels), tips=("name", "exact", "moved"))
            st.markdown(words("chart.title", title=words(f"overview.{name}")))
            st.vega_lite_chart(spec, theme=None, key=f"chart-{name}", alt=words(f"overview.{name}_alt"))


def _share_rows(view: View, sums: pl.DataFrame, label: Callable[[str], str], total: float) -> list[charts.Row]:
    return [
        {
            "name": label(code),
            "value": max(0.0, net),
            "text": f"{write.percent(net / total, 0)} · {view.money(net)}",
            "colour": view.colours.accent if index == 0 else view.colours.grey,
            "exact": view.money_exact(net),
            "moved": write.change(net, earlier).text,
        }
        for index, (code, net, earlier) in enumerate(sums.iter_rows())
    ]


def _summed(now: pl.DataFrame, before: pl.DataFrame, column: str) -> pl.DataFrame:
    earlier = before.group_by(column).agg(pl.col("net").sum().alias("net_before"))
    return (
        now.group_by(column)
        .agg(pl.col("net").sum())
        .join(earlier, on=column, how="left")
        .sort("net", column, descending=[True, False])
    )


def _columns(view: View) -> list[tables.Column]:
    words = view.words
    return [
        tables.Column("name", words("term.product"), view.item, width=320),
        tables.Column("sku", words("term.sku")),
        tables.Column("net", view.metric("net_sales").name, view.money),
        tables.Column(
            "moved", words("term.change_amount"), lambda value: write.signed(view.money(value)), tables.sign_tone
        ),
        tables.Column("rate", words("term.change"), write.signed_percent, tables.rate_tone),
        tables.Column("net_before", words("term.before"), view.money),
        tables.Column("units", view.metric("sold_units").name, view.short),
        tables.Column("category", words("term.category"), view.category),
    ]


def _between(weeks: pl.DataFrame, start: date, end: date) -> pl.DataFrame:
    return weeks.filter((pl.col("week_on") >= start) & (pl.col("week_on") < end))


def _margin(weeks: pl.DataFrame) -> float | None:
    """Contribution margin CM1 of what has a known cost; None where no cost of goods is known."""
    cost = _total(weeks, "cost")
    return _total(weeks, "costed") - cost if cost else None


def _total(frame_: pl.DataFrame, column: str) -> float:
    return float(frame_[column].sum() or 0)
