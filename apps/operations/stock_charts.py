"""Charts of the stock page: units on hand and stock-outs day by day, and how old the stock is."""

from __future__ import annotations

import polars as pl
import streamlit as st

from apps import format as write
from apps.components import blocks, charts_stock, charts_supply
from apps.components.view import View

_AGES = ("fresh", "middle", "late", "expired", "unknown")


def draw(view: View, positions: pl.DataFrame, days: pl.DataFrame) -> None:
    """Draws both, the days on the wider side; the one without rows is left out."""
    left, right = st.columns([2, 1], gap="small")
    with left:
        _days(view, days)
    with right:
        _ages(view, positions)


def _days(view: View, days: pl.DataFrame) -> None:
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
        ("tip_units", view.metric("on_hand").name),
        ("tip_in", words("term.units_in")),
        ("tip_out", words("term.units_out")),
        ("tip_outs", words("stock.outs")),
    )
    with st.container(border=True, key="card-chart-stock", gap="xsmall", height="stretch"):
        st.markdown(words("stock.chart"))
        line = charts_supply.stock_line(view.colours, view.language, rows, tips=tips)
        st.vega_lite_chart(line, theme=None, key="chart-stock", alt=words("stock.chart_alt"))
        st.caption(words("stock.outs_title"))
        outs = charts_supply.stock_outs(view.colours, view.language, rows, tips=tips)
        st.vega_lite_chart(outs, theme=None, key="chart-outs", alt=words("stock.outs_alt"))


def _ages(view: View, positions: pl.DataFrame) -> None:
    """Good units by how much of their life is left, by kind of place."""
    words = view.words
    held = positions.group_by("location_kind").agg(pl.col([f"{age}_units" for age in _AGES]).sum())
    shades = dict(zip(_AGES, charts_stock.ages(view.colours), strict=True))
    rows = []
    for found in held.iter_rows(named=True):
        whole = sum(found[f"{age}_units"] for age in _AGES)
        for rank, age in enumerate(_AGES):
            units = found[f"{age}_units"]
            if whole <= 0 or units <= 0:
                continue
            rows.append(
                {
                    "place": words.code("place_kind", found["location_kind"]),
                    "age": words(f"stock_age.{age}"),
                    "rank": rank,
                    "units": units,
                    "colour": shades[age],
                    "tip_units": write.exact(units),
                    "tip_share": write.percent(units / whole),
                }
            )
    if not rows:
        return
    spec = charts_stock.aged(
        view.colours,
        view.language,
        rows,
        tips=(
            ("place", words("term.place")),
            ("age", words("stock_age.left")),
            ("tip_units", view.metric("on_hand").name),
            ("tip_share", words("term.share")),
        ),
    )
    shown = [age for age in _AGES if any(row["age"] == words(f"stock_age.{age}") for row in rows)]
    with st.container(border=True, key="card-chart-ages", gap="xsmall", height="stretch"):
        st.markdown(words("stock.ages"))
        blocks.legend([(shades[age], words(f"stock_age.{age}")) for age in shown])
        st.vega_lite_chart(spec, theme=None, key="chart-ages", alt=words("stock.ages_alt"))
        excess = float(positions["excess_amount"].sum() or 0)
        st.caption(
            words(
                "stock.ages_note",
                value=write.plain(view.money(float(positions["value_amount"].sum() or 0))),
                excess=write.plain(view.money(excess)),
            )
        )
