"""Channels: where do we sell, and what does each channel keep?"""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from apps import format as write
from apps.components import blocks, cards, charts, filters, frame, tables
from apps.components.cards import Card, row
from apps.components.view import View
from apps.marketing import channel_profit, returns, service, suspects
from apps.queries import sales
from apps.queries.scope import Scope

_PANELS = 6
_PANELS_PER_ROW = 3


@frame.page("channels", needs=("fct_sales_line", "mart_channel_daily", "dim_product", "dim_location"))
def page(view: View, export: DeltaGenerator) -> None:
    """Draws the page for the span and filters of the URL."""
    chosen = filters.row(view, [filters.period(view), *filters.standard(view, "channel", "region", "product")])
    scope = filters.scope(view, chosen)
    both = Scope(scope.before().start_on, scope.end_on, scope.channel, scope.region, scope.category)
    weeks = sales.weekly(view.warehouse, both)
    now = weeks.filter(pl.col("week_on") >= scope.start_on)
    before = weeks.filter(pl.col("week_on") < scope.start_on)
    frame.finding(finding(view, scope, now, before))
    row(view, figures(view, scope, now, before))
    _panels(view, scope, weeks)
    channel_profit.section(view, scope)
    deals = sales.gmv(view.warehouse, scope)
    places = _places(
        view, sales.by_place(view.warehouse, scope).join(deals, on=["channel_id", "location_id"], how="left")
    )
    columns = _columns(view)
    totals = _whole(places)
    tables.table(
        view, places, columns, title=view.words("channels.table"), key="places", totals=totals, is_exported=True
    )
    returns.section(view, scope)
    service.section(view, scope)
    suspects.section(view, scope)
    tables.export(view, export, places, columns, name="channels")


def finding(view: View, scope: Scope, now: pl.DataFrame, before: pl.DataFrame) -> str:
    """One sentence: the largest channel with its share, and the one whose sales changed most in money."""
    words = view.words
    sums = _by_channel(now, before)
    if sums.is_empty():
        return words("channels.finding.none")
    largest = sums.sort("net", descending=True).row(0, named=True)
    said: dict[str, str | int] = {
        "channel": write.plain(view.channel(largest["channel_id"])),
        "share": write.plain(write.percent(largest["net"] / (sums["net"].sum() or 1.0), 0)),
    }
    rated = sums.filter(pl.col("net_before") > 0).with_columns((pl.col("net") - pl.col("net_before")).alias("moved"))
    if rated.is_empty():
        return words("channels.finding.one", **said)
    mover = rated.sort(pl.col("moved").abs(), descending=True).row(0, named=True)
    said |= {
        "weeks": scope.weeks,
        "amount": write.plain(write.signed(view.money(mover["moved"]))),
        "change": write.plain(write.change(mover["net"], mover["net_before"]).text),
    }
    if mover["channel_id"] == largest["channel_id"]:
        return words("channels.finding.same", **said)
    return words("channels.finding.some", **said, mover=write.plain(view.channel(mover["channel_id"])))


def figures(view: View, scope: Scope, now: pl.DataFrame, before: pl.DataFrame) -> list[Card]:
    """Net sales, share sold online, discount rate and margin rate, against the span before."""
    words = view.words
    note = words("card.before", weeks=scope.weeks)
    sums = now.group_by("week_on").agg(pl.col("net", "gross", "discount", "cost", "costed").sum()).sort("week_on")
    web = now.filter(_is_online(view)).group_by("week_on").agg(pl.col("net").sum().alias("web"))
    sums = sums.join(web, on="week_on", how="left").with_columns(pl.col("web").fill_null(0.0)).sort("week_on")
    totals, earlier = _totals(view, now), _totals(view, before)
    return [
        cards.of(
            view,
            "net_sales",
            totals["net"],
            write.change(totals["net"], earlier["net"]),
            note=note,
            course=sums["net"].to_list(),
        ),
        _rate(
            view,
            "online_share",
            totals["web"],
            totals["net"],
            earlier["web"],
            earlier["net"],
            "",
            (sums["web"] / sums["net"]).to_list(),
        ),
        _rate(
            view,
            "discount_rate",
            totals["discount"],
            totals["gross"],
            earlier["discount"],
            earlier["gross"],
            "bad",
            (sums["discount"] / sums["gross"]).to_list(),
        ),
        _rate(
            view,
            "cm1_rate",
            totals["costed"] - totals["cost"] if totals["cost"] else totals["net"],
            totals["costed"] if totals["cost"] else 0.0,
            earlier["costed"] - earlier["cost"],
            earlier["costed"] if earlier["cost"] else 0.0,
            "good",
            (1 - sums["cost"] / sums["costed"]).to_list() if totals["cost"] else [],
        ),
    ]


def _rate(
    view: View,
    metric: str,
    part: float,
    whole: float,
    part_before: float,
    whole_before: float,
    rising_is: str,
    course: list[float],
) -> Card:
    now = part / whole if whole else None
    before = part_before / whole_before if whole_before else None
    moved = write.points(now, before, view.words("unit.points"))
    if now is None and part:
        return cards.of(view, metric, None, note=view.words("card.no_cost"))
    note = view.words("card.before_short" if before is not None else "card.none")
    return cards.of(view, metric, now, moved, rising_is, note, course)


def _panels(view: View, scope: Scope, weeks: pl.DataFrame) -> None:
    words = view.words
    now = weeks.filter(pl.col("week_on") >= scope.start_on)
    order = now.group_by("channel_id").agg(pl.col("net").sum()).sort("net", descending=True)["channel_id"].to_list()
    nets = {(week, channel): net for week, channel, net in weeks.select("week_on", "channel_id", "net").iter_rows()}
    labels = (words("term.week"), view.metric("net_sales").name, words("chart.before", weeks=scope.weeks))
    shown = order[:_PANELS]
    earlier_weeks = weeks.filter(pl.col("week_on") < scope.start_on)
    sums = {code: (net, net_before) for code, net, net_before in _by_channel(now, earlier_weeks).iter_rows()}
    for start in range(0, len(shown), _PANELS_PER_ROW):
        for column, channel in zip(
            st.columns(min(len(shown), _PANELS_PER_ROW), gap="small"), shown[start:], strict=False
        ):
            rows = []
            for week in scope.week_starts():
                value, earlier = (
                    nets.get((week, channel), 0.0),
                    nets.get((week - timedelta(weeks=scope.weeks), channel)),
                )
                rows.append(
                    {
                        "week_on": week.isoformat(),
                        "value": value,
                        "before": earlier,
                        "tip_week": words("chart.week_of", day=view.day(week)),
                        "tip_value": view.money_exact(value),
                        "tip_before": view.money_exact(earlier),
                    }
                )
            first = channel == shown[0]
            prefix = view.money(0)[:-1]
            spec = charts.small_line(view.colours, view.language, rows, prefix=prefix, labels=labels, say_before=first)
            name = view.channel(channel)
            moved = write.change(sums[channel][0], sums[channel][1])
            note = view.money(sums[channel][0])
            with column:
                blocks.figure(
                    spec,
                    title=words("channels.panel", channel=write.plain(name)),
                    alt=words("channels.panel_alt", channel=name),
                    key=f"panel-{shown.index(channel)}",
                    note=write.plain(f"{note} · {moved.text}" if moved.rate is not None else note),
                )


def _by_channel(now: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    sums = now.group_by("channel_id").agg(pl.col("net").sum())
    earlier = before.group_by("channel_id").agg(pl.col("net").sum().alias("net_before"))
    return sums.join(earlier, on="channel_id", how="left").sort("channel_id")


def _is_online(view: View) -> pl.Expr:
    known = sales.online(view.warehouse)
    return pl.col("channel_id") != "store" if known is None else pl.col("channel_id").is_in(known)


def _totals(view: View, weeks: pl.DataFrame) -> dict[str, float]:
    totals = {name: float(weeks[name].sum() or 0) for name in ("net", "gross", "discount", "cost", "costed")}
    return totals | {"web": float(weeks.filter(_is_online(view))["net"].sum() or 0)}


def _places(view: View, rows: pl.DataFrame) -> pl.DataFrame:
    total = rows["net"].sum() or 1.0
    channels = {code: view.channel(code) for code in rows["channel_id"].unique().to_list()}
    channel = pl.col("channel_id").replace_strict(channels, default=pl.col("channel_id"), return_dtype=pl.String)
    areas = {
        code: view.named("region", code) if code not in (None, "-") else write.NONE
        for code in rows["region"].unique().to_list()
    }
    area = pl.col("region").replace_strict(areas, default=write.NONE, return_dtype=pl.String)
    net = pl.col("net")
    return rows.with_columns(
        channel.alias("channel"),
        area.alias("area"),
        pl.coalesce("name", pl.when(pl.col("location_id") != "-").then("location_id"), channel).alias("place"),
        (net / total).alias("share"),
        pl.when(pl.col("orders") > 0).then(net / pl.col("orders")).alias("spend"),
        pl.when(pl.col("gross") > 0).then(pl.col("discount") / pl.col("gross")).alias("discount_rate"),
        pl.when((pl.col("costed") > 0) & (pl.col("cost") != 0))
        .then(1 - pl.col("cost") / pl.col("costed"))
        .alias("margin_rate"),
        pl.when(pl.col("sold") > 0).then(pl.col("returned") / pl.col("sold")).alias("return_rate"),
    )


def _whole(places: pl.DataFrame) -> dict[str, float | None]:
    """All places together; rates from the sums, never from the places' rates."""
    names = ("net", "net_before", "gmv", "gross", "discount", "cost", "costed", "orders", "sold", "returned")
    sums = {name: float(places[name].sum() or 0) for name in names}
    return {
        "net": sums["net"],
        "gmv": sums["gmv"] or None,
        "orders": sums["orders"],
        "share": 1.0 if sums["net"] else None,
        "rate": sums["net"] / sums["net_before"] - 1 if sums["net_before"] > 0 else None,
        "spend": sums["net"] / sums["orders"] if sums["orders"] else None,
        "discount_rate": sums["discount"] / sums["gross"] if sums["gross"] > 0 else None,
        "return_rate": sums["returned"] / sums["sold"] if sums["sold"] > 0 else None,
        "margin_rate": 1 - sums["cost"] / sums["costed"] if sums["costed"] > 0 and sums["cost"] else None,
    }


def _columns(view: View) -> list[tables.Column]:
    words, deals = view.words, view.metric("gmv")
    return [
        tables.Column("place", words("term.place"), view.item, width=250),
        tables.Column("channel", words("term.channel")),
        tables.Column("area", words("term.region")),
        tables.Column("gmv", deals.name, view.money, help=deals.meaning),
        tables.Column("net", view.metric("net_sales").name, view.money),
        tables.Column("share", words("term.share"), write.percent),
        tables.Column("rate", words("term.change"), write.signed_percent, tables.rate_tone),
        tables.Column("orders", view.metric("orders").name, view.short),
        tables.Column("spend", view.metric("spend_per_order").name, view.money),
        tables.Column("discount_rate", view.metric("discount_rate").name, write.percent),
        tables.Column("margin_rate", view.metric("cm1_rate").name, write.percent),
        tables.Column("return_rate", view.metric("return_rate").name, write.percent),
    ]
