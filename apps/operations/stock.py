"""Stock: where will we run out, and what will expire before it is sold?"""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from apps import format as write
from apps.components import charts_supply, filters, frame, tables
from apps.components.cards import Card, row
from apps.components.filters import Choice
from apps.components.view import View
from apps.queries import supply

_DAYS = 91
_COVER_DAYS = 28
_RISKS = ("stock_out", "expiring")


@frame.page("stock", needs=("mart_stock_position", "fct_stock_day", "dim_product", "dim_location"))
def page(view: View, export: DeltaGenerator) -> None:
    """Draws the page for the place, product and risk of the URL."""
    places = {
        code: view.item(name) if name else code
        for code, name in supply.locations(view.warehouse).select("code", "name").iter_rows()
    }

    def label(code: str) -> str:
        return view.words("filter.all.location") if code == filters.ALL else places.get(code, code)

    choices = [
        Choice("location", [filters.ALL, *places], label, ":material/warehouse:"),
        *filters.standard(view, "product"),
        filters.coded(view, "risk", _RISKS, ":material/warning:"),
    ]
    chosen = filters.row(view, choices)
    location, category = chosen["location"], chosen.get("product")
    positions = supply.positions(view.warehouse, location=location, category=category)
    last = supply.last_stock_on(view.warehouse)
    days = supply.stock_days(
        view.warehouse, (last or view.today) - timedelta(days=_DAYS - 1), location=location, category=category
    )
    frame.finding(finding(view, positions))
    row(view, figures(view, positions, days))
    _chart(view, days)
    listed = _listed(view, positions, chosen["risk"])
    columns = _columns(view)
    totals = {name: float(listed[name].sum() or 0) for name in ("on_hand_units", "out_units", "expiring_units")}
    tables.table(view, listed, columns, title=view.words("stock.table"), key="positions", totals=totals)
    category_column = tables.Column("category", view.words("term.category"), view.category)
    tables.export(view, export, listed, [*columns, category_column], name="stock")


def finding(view: View, positions: pl.DataFrame) -> str:
    """One sentence: items that will run out, the most urgent one, and units about to expire."""
    words = view.words
    if positions.is_empty():
        return words("stock.finding.none")
    risky = positions.filter(pl.col("is_stock_out_risk"))
    expiring = float(positions["expiring_units"].sum() or 0)
    said = {
        "risky": write.exact(risky.height),
        "items": write.exact(positions.height),
        "expiring": write.plain(view.short(expiring)),
    }
    if risky.is_empty():
        return words("stock.finding.calm", **said)
    first = risky.row(0, named=True)
    said |= {"out": write.exact(positions.filter(pl.col("is_out")).height)}
    said |= {"product": write.plain(view.item(first["name"] or first["sku"]))}
    said |= {"place": write.plain(view.item(first["location_name"] or first["location_id"]))}
    return words("stock.finding.risk", **said)


def figures(view: View, positions: pl.DataFrame, days: pl.DataFrame) -> list[Card]:
    """Units on hand, median days of cover, items about to run out, units about to expire."""
    words = view.words
    on_hand = float(positions["on_hand_units"].sum() or 0)
    month_ago = days.filter(pl.col("stock_on") == days["stock_on"].max() - timedelta(days=28)) if days.height else days  # type: ignore[operator]
    before = float(month_ago["closing_units"].sum()) if month_ago.height else None
    now = float(days["closing_units"].tail(1).sum()) if days.height else None
    cover = positions.select(pl.col("days_of_cover").cast(pl.Float64).median()).item() if positions.height else None
    risky = positions.filter(pl.col("is_stock_out_risk")).height
    expiring = float(positions["expiring_units"].sum() or 0)
    lots = positions.filter(pl.col("expiring_units") > 0).height
    outs = days.select(pl.when(pl.col("items") > 0).then(pl.col("stock_outs") / pl.col("items"))).to_series()
    return [
        Card(
            words("term.on_hand"),
            view.short(on_hand),
            write.change(now, before),
            "",
            words("stock.month_note"),
            days["closing_units"].to_list(),
        ),
        Card(
            words("term.days_of_cover"),
            words("unit.days", days=_days(cover)),
            note=words("stock.cover_note"),
            bars=_covers(positions),
            explained=words("explain.days_of_cover"),
        ),
        Card(
            words("stock.risky"),
            write.exact(risky),
            note=words("stock.risky_note", out=write.exact(positions.filter(pl.col("is_out")).height)),
            course=outs.to_list(),
            explained=words("explain.risky"),
        ),
        Card(
            words("stock.expiring"),
            view.short(expiring),
            note=words("stock.expiring_note", items=write.exact(lots)),
            bars=_expiries(view, positions),
            explained=words("explain.expiring"),
        ),
    ]


def _covers(positions: pl.DataFrame) -> list[float]:
    """How many positions last 0, 1, 2 … 27 days, and 28 or more."""
    days = positions["days_of_cover"].drop_nulls().cast(pl.Float64).clip(0, _COVER_DAYS).floor().cast(pl.Int64)
    found = dict(days.value_counts().iter_rows())
    return [float(found.get(day, 0)) for day in range(_COVER_DAYS + 1)]


def _expiries(view: View, positions: pl.DataFrame) -> list[float]:
    """Units about to expire by the day of their next expiry, over the next four weeks."""
    due = positions.filter(pl.col("expiring_units") > 0).group_by("expiry_next_on").agg(pl.col("expiring_units").sum())
    found = {day: float(units) for day, units in due.iter_rows() if day is not None}
    return [found.get(view.today + timedelta(days=ahead), 0.0) for ahead in range(_COVER_DAYS + 1)]


def _chart(view: View, days: pl.DataFrame) -> None:
    words = view.words
    if days.is_empty():
        return
    rows = [
        {
            "day_on": found["stock_on"].isoformat(),
            "units": found["closing_units"],
            "out": found["stock_outs"],
            "tip_day": view.day(found["stock_on"]),
            "tip_units": write.exact(found["closing_units"]),
            "tip_in": write.exact(found["in_units"]),
            "tip_out": write.exact(found["out_units"]),
            "tip_outs": write.exact(found["stock_outs"]),
        }
        for found in days.iter_rows(named=True)
    ]
    tips = (
        ("tip_day", words("term.day")),
        ("tip_units", words("term.on_hand")),
        ("tip_in", words("term.units_in")),
        ("tip_out", words("term.units_out")),
        ("tip_outs", words("stock.outs")),
    )
    with st.container(border=True, key="card-chart-stock", gap="xsmall"):
        st.markdown(words("stock.chart"))
        line = charts_supply.stock_line(view.colours, view.language, rows, tips=tips)
        st.vega_lite_chart(line, theme=None, key="chart-stock", alt=words("stock.chart_alt"))
        st.caption(words("stock.outs_title"))
        outs = charts_supply.stock_outs(view.colours, view.language, rows, tips=tips)
        st.vega_lite_chart(outs, theme=None, key="chart-outs", alt=words("stock.outs_alt"))


def _listed(view: View, positions: pl.DataFrame, risk: str | None) -> pl.DataFrame:
    words = view.words
    expiring = pl.col("expiring_units").fill_null(0) > 0
    shown = positions
    if risk == "stock_out":
        shown = positions.filter(pl.col("is_stock_out_risk"))
    elif risk == "expiring":
        shown = positions.filter(expiring)
    word = (
        pl.when(pl.col("is_out"))
        .then(pl.lit(words.code("risk", "out")))
        .when(pl.col("is_stock_out_risk"))
        .then(pl.lit(words.code("risk", "stock_out")))
        .when(expiring)
        .then(pl.lit(words.code("risk", "expiring")))
        .otherwise(pl.lit(words.code("risk", "fine")))
    )
    return shown.with_columns(
        word.alias("risk"),
        pl.coalesce("name", "sku").alias("product"),
        pl.coalesce("location_name", "location_id").alias("place"),
    )


def _days(value: float | None) -> str:
    whole = value is None or value >= 10 or float(value).is_integer()
    return write.exact(value, 0 if whole else 1)


def _columns(view: View) -> list[tables.Column]:
    words = view.words
    tones = {
        words.code("risk", "out"): "bad",
        words.code("risk", "stock_out"): "bad",
        words.code("risk", "expiring"): "warn",
    }
    return [
        tables.Column("product", words("term.product"), view.item, width=270),
        tables.Column("place", words("term.place"), view.item, width=190),
        tables.Column("sku", words("term.sku")),
        tables.Column("risk", words("term.status"), tone=lambda value: tones.get(value, "quiet")),
        tables.Column("days_of_cover", words("term.days_of_cover"), _days),
        tables.Column("on_hand_units", words("term.on_hand"), view.short),
        tables.Column("out_units", words("stock.out_4_weeks"), view.short),
        tables.Column("expiring_units", words("stock.expiring"), view.short),
        tables.Column("expiry_next_on", words("stock.expiry_next"), view.day),
    ]
