"""Production plan: can the mill make what is asked for, on which line and in which week?"""

from __future__ import annotations

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from apps import format as write
from apps.components import charts_supply, filters, frame, tables
from apps.components.cards import Card, row
from apps.components.filters import Choice
from apps.components.view import View
from apps.queries import supply

_PARTS = ("run", "setup", "overtime")
_FULL = 0.95
_PANELS_PER_ROW = 3


@frame.page("production", needs=("mart_production_plan", "dim_product"))
def page(view: View, export: DeltaGenerator) -> None:
    """Draws the page for the line and product of the URL."""
    lines = supply.load(view.warehouse, line=None)["line_id"].unique(maintain_order=True).to_list()
    choices = [
        Choice("line", [filters.ALL, *lines], lambda code: _line_word(view, code), ":material/conveyor_belt:"),
        *filters.standard(view, "product"),
    ]
    chosen = filters.row(view, choices)
    load = supply.load(view.warehouse, line=chosen["line"])
    made = supply.attainment(view.warehouse, line=chosen["line"]) if view.warehouse.has("fct_production_run") else None
    frame.finding(finding(view, load))
    row(view, figures(view, load, made))
    _chart(view, load)
    plan = supply.plan(view.warehouse, line=chosen["line"])
    if chosen.get("product") is not None:
        plan = plan.filter(pl.col("category") == chosen["product"])
    listed = plan.with_columns(
        pl.coalesce("name", "sku").alias("product"),
        pl.col("zone")
        .map_elements(lambda code: view.words.code("zone", code), return_dtype=pl.String)
        .alias("zone_word"),
    )
    columns = _columns(view)
    tables.table(view, listed, columns, title=view.words("production.table"), key="plan")
    tables.export(view, export, listed, columns, name="production-plan")


def finding(view: View, load: pl.DataFrame) -> str:
    """One sentence: the fullest line and week, and what is left over for later."""
    words = view.words
    if load.is_empty():
        return words("production.finding.none")
    fullest = load.sort("utilisation_rate", descending=True).row(0, named=True)
    backorder = float(load["backorder_units"].sum() or 0)
    said = {
        "line": write.plain(fullest["line_id"]),
        "rate": write.plain(write.percent(fullest["utilisation_rate"], 0)),
        "week": write.plain(view.day_short(fullest["week_on"])),
        "backorder": write.plain(view.short(backorder)),
        "units": write.plain(view.short(float(load["units"].sum() or 0))),
        "weeks": load["week_on"].n_unique(),
    }
    return words("production.finding.short" if backorder >= 0.5 else "production.finding.enough", **said)


def figures(view: View, load: pl.DataFrame, made: pl.DataFrame | None) -> list[Card]:
    """Utilisation, planned units, backorders, and how far past plans were kept."""
    words = view.words
    weeks = (
        load.group_by("week_on")
        .agg(
            pl.col(
                "run_minutes", "setup_minutes", "available_minutes", "units", "backorder_units", "demand_units"
            ).sum()
        )
        .sort("week_on")
    )
    used = weeks["run_minutes"] + weeks["setup_minutes"]
    available = float(weeks["available_minutes"].sum() or 0)
    units, backorder = float(weeks["units"].sum() or 0), float(weeks["backorder_units"].sum() or 0)
    full = load.filter(pl.col("utilisation_rate") >= _FULL).height
    cards = [
        Card(
            words("term.utilisation"),
            write.percent(float(used.sum()) / available if available else None),
            note=words("production.full_note", full=full, all=load.height),
            course=(used / weeks["available_minutes"]).to_list(),
            explained=words("explain.utilisation"),
        ),
        Card(
            words("production.planned"),
            view.short(units),
            note=words("production.planned_note", weeks=weeks.height),
            course=weeks["units"].to_list(),
        ),
        Card(
            words("production.backorder"),
            view.short(backorder),
            note=words("production.backorder_note"),
            course=weeks["backorder_units"].to_list(),
            explained=words("explain.backorder"),
        ),
    ]
    if made is not None and made.height and made["planned_units"].sum():
        recent = made.tail(4)
        rate = float(recent["attained_units"].sum()) / float(recent["planned_units"].sum() or 1)
        course = (made["attained_units"].cast(pl.Float64) / made["planned_units"].cast(pl.Float64)).tail(13).to_list()
        cards.append(
            Card(
                words("term.plan_attainment"),
                write.percent(rate),
                note=words("production.attainment_note"),
                course=course,
                explained=words("explain.plan_attainment"),
            )
        )
    return cards


def _chart(view: View, load: pl.DataFrame) -> None:
    words = view.words
    if load.is_empty():
        return
    used = [part for part in _PARTS if part != "overtime" or load["overtime_minutes"].sum()]
    parts = [words(f"production.{part}") for part in used]
    top = float(load.select((pl.col("run_minutes") + pl.col("setup_minutes")).max()).item() or 0)
    top = 1.08 * max(top, float(load["available_minutes"].max() or 0))  # type: ignore[arg-type]
    tips = (
        ("tip_week", words("term.week")),
        ("part", words("production.part")),
        ("tip_minutes", words("term.minutes")),
        ("tip_available", words("production.available")),
        ("tip_rate", words("term.utilisation")),
    )
    with st.container(border=True, key="card-chart-load", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.markdown(words("production.chart"), width="stretch")
            st.caption(words("production.chart_note"), width="content")
        lines = load["line_id"].unique(maintain_order=True).to_list()
        for start in range(0, len(lines), _PANELS_PER_ROW):
            for column, line in zip(
                st.columns(min(len(lines), _PANELS_PER_ROW), gap="medium"), lines[start:], strict=False
            ):
                rows = _load_rows(view, load.filter(pl.col("line_id") == line), parts)
                spec = charts_supply.line_load(view.colours, view.language, rows, order=parts, top=top, tips=tips)
                with column:
                    st.caption(write.plain(_line_word(view, line)))
                    st.vega_lite_chart(
                        spec,
                        theme=None,
                        key=f"chart-load-{lines.index(line)}",
                        alt=words("production.chart_alt", line=line),
                    )


def _load_rows(view: View, load: pl.DataFrame, parts: list[str]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for found in load.iter_rows(named=True):
        for rank, (part, word) in enumerate(zip(_PARTS, parts, strict=False)):
            minutes = found[f"{part}_minutes"] or 0.0
            if part == "run":
                minutes = max(0.0, minutes - (found["overtime_minutes"] or 0.0))
            rows.append(
                {
                    "week_on": found["week_on"].isoformat(),
                    "part": word,
                    "rank": rank,
                    "minutes": minutes,
                    "available": found["available_minutes"],
                    "tip_week": view.words("chart.week_of", day=view.day(found["week_on"])),
                    "tip_minutes": write.exact(minutes),
                    "tip_available": write.exact(found["available_minutes"]),
                    "tip_rate": write.percent(found["utilisation_rate"]),
                }
            )
    return rows


def _line_word(view: View, code: str) -> str:
    return view.words("filter.all.line") if code == filters.ALL else view.words("production.line", line=code)


def _columns(view: View) -> list[tables.Column]:
    words = view.words
    return [
        tables.Column("week_on", words("term.week"), view.day),
        tables.Column("line_id", words("term.line")),
        tables.Column("product", words("term.product"), width=250),
        tables.Column("sku", words("term.sku")),
        tables.Column("units", words("production.planned"), write.exact),
        tables.Column("demand_units", words("term.demand"), write.exact),
        tables.Column(
            "backorder_units",
            words("production.backorder"),
            view.short,
            lambda value: "bad" if value >= 0.5 else "quiet",
        ),
        tables.Column(
            "safety_short_units",
            words("production.safety_short"),
            view.short,
            lambda value: "warn" if value >= 0.5 else "quiet",
        ),
        tables.Column("run_minutes", words("production.run"), view.short),
        tables.Column("setup_minutes", words("production.setup"), view.short),
        tables.Column("zone_word", words("production.zone")),
    ]
