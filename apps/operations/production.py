"""Production plan: can the mill make what is asked for, on which line and in which week?"""

from __future__ import annotations

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from apps import format as write
from apps.components import blocks, charts_supply, filters, frame, tables
from apps.components.cards import Card, of, row
from apps.components.filters import Choice
from apps.components.view import View
from apps.queries import supply

_PARTS = ("firm", "run", "setup", "overtime")
_NO_LINE = "-"
_FULL = 0.95
_PANELS_PER_ROW = 3


@frame.page("production", needs=("mart_production_plan", "dim_product"))
def page(view: View, export: DeltaGenerator) -> None:
    """Draws the page for the line and product of the URL."""
    every = supply.load(view.warehouse, line=None)
    lines = every.filter(pl.col("line_id") != _NO_LINE)["line_id"].unique(maintain_order=True).to_list()
    choices = [
        Choice("line", [filters.ALL, *lines], lambda code: _line_word(view, code), ":material/conveyor_belt:"),
        *filters.standard(view, "product"),
    ]
    chosen = filters.row(view, choices)
    load = supply.load(view.warehouse, line=chosen["line"])
    lines_load = load.filter(pl.col("line_id") != _NO_LINE)
    made = supply.attainment(view.warehouse, line=chosen["line"]) if view.warehouse.has("int_plan_attainment") else None
    frame.finding(finding(view, load))
    row(view, figures(view, load, made))
    _chart(view, lines_load)
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
    totals = {name: float(listed[name].sum() or 0) for name in ("units", "firm_units", "demand_units", "minutes")}
    tables.table(
        view, listed, columns, title=view.words("production.table"), key="plan", totals=totals, is_exported=True
    )
    tables.export(view, export, listed, columns, name="production-plan")


def finding(view: View, load: pl.DataFrame) -> str:
    """One sentence: what is made, what is late at worst, and the fullest line and week."""
    words = view.words
    known = load.filter(pl.col("utilisation_rate").is_not_null())
    if known.is_empty():
        return words("production.finding.none")
    fullest = known.sort("utilisation_rate", descending=True).row(0, named=True)
    late = owed(load).sort("backorder_units", descending=True).row(0, named=True)
    backorder = late["backorder_units"]
    said = {
        "line": write.plain(fullest["line_id"]),
        "rate": write.plain(write.percent(fullest["utilisation_rate"], 0)),
        "week": write.plain(view.day_short(fullest["week_on"])),
        "backorder": write.plain(view.short(backorder)),
        "late": write.plain(view.day_short(late["week_on"])),
        "units": write.plain(view.short(float(load["units"].sum() or 0) + float(load["firm_units"].sum() or 0))),
        "weeks": load["week_on"].n_unique(),
    }
    return words("production.finding.short" if backorder >= 0.5 else "production.finding.enough", **said)


def owed(load: pl.DataFrame) -> pl.DataFrame:
    """One row per week: backorder_units owed at its end by all lines together."""
    return load.group_by("week_on").agg(pl.col("backorder_units").sum().fill_null(0.0)).sort("week_on")


def figures(view: View, load: pl.DataFrame, made: pl.DataFrame | None) -> list[Card]:
    """Utilisation, units to be made, what is late at worst, and how far past plans were kept."""
    words = view.words
    names = ("firm_minutes", "run_minutes", "setup_minutes", "available_minutes", "units", "firm_units")
    weeks = load.group_by("week_on").agg(pl.col(names).sum()).sort("week_on")
    used = weeks["firm_minutes"] + weeks["run_minutes"] + weeks["setup_minutes"]
    available = float(weeks["available_minutes"].sum() or 0)
    made_units, firm = weeks["units"] + weeks["firm_units"], float(weeks["firm_units"].sum() or 0)
    late = owed(load)
    last = float(late["backorder_units"].tail(1).sum())
    known = load.filter(pl.col("utilisation_rate").is_not_null())
    full = known.filter(pl.col("utilisation_rate") >= _FULL).height
    cards = [
        of(
            view,
            "utilisation",
            float(used.sum()) / available if available else None,
            note=words("production.full_note", full=full, all=known.height),
            course=(used / weeks["available_minutes"]).to_list(),
        ),
        of(
            view,
            "plan_units",
            float(made_units.sum() or 0),
            note=words("production.planned_note", weeks=weeks.height, firm=view.short(firm)),
            course=made_units.to_list(),
        ),
        Card(
            words("production.backorder"),
            view.short(float(late["backorder_units"].max() or 0)),  # type: ignore[arg-type]
            note=words("production.backorder_note", last=write.exact(last)),
            course=late["backorder_units"].to_list(),
            explained=words("explain.backorder"),
        ),
    ]
    if made is not None and made.height and made["planned_units"].sum():
        recent = made.tail(4)
        rate = float(recent["attained_units"].sum()) / float(recent["planned_units"].sum() or 1)
        course = (made["attained_units"].cast(pl.Float64) / made["planned_units"].cast(pl.Float64)).tail(13).to_list()
        cards.append(of(view, "plan_attainment", rate, note=words("production.attainment_note"), course=course))
    return cards


def _chart(view: View, load: pl.DataFrame) -> None:
    words = view.words
    if load.is_empty():
        return
    used = [part for part in _PARTS if part in ("run", "setup") or load[f"{part}_minutes"].sum()]
    parts = {part: words(f"production.{part}") for part in used}
    shades = {
        "firm": view.colours.grey,
        "run": view.colours.accent,
        "setup": view.colours.accent_soft,
        "overtime": view.colours.warn,
    }
    top = float(load.select(pl.sum_horizontal("firm_minutes", "run_minutes", "setup_minutes").max()).item() or 0)
    top = 1.08 * max(top, float(load["available_minutes"].max() or 0))  # type: ignore[arg-type]
    tips = (
        ("tip_week", words("term.week")),
        ("part", words("production.part")),
        ("tip_minutes", words("term.minutes")),
        ("tip_available", words("production.available")),
        ("tip_rate", view.metric("utilisation").name),
    )
    with st.container(border=True, key="card-chart-load", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.markdown(words("production.chart"), width="stretch")
            blocks.legend([(shades[part], parts[part]) for part in used], words("production.chart_note"))
        lines = load["line_id"].unique(maintain_order=True).to_list()
        for start in range(0, len(lines), _PANELS_PER_ROW):
            for column, line in zip(
                st.columns(min(len(lines), _PANELS_PER_ROW), gap="medium"), lines[start:], strict=False
            ):
                rows = _load_rows(view, load.filter(pl.col("line_id") == line), parts)
                spec = charts_supply.line_load(
                    view.colours,
                    view.language,
                    rows,
                    shades={parts[part]: shades[part] for part in used},
                    top=top,
                    tips=tips,
                )
                with column:
                    st.caption(write.plain(_line_word(view, line)))
                    st.vega_lite_chart(
                        spec,
                        theme=None,
                        key=f"chart-load-{lines.index(line)}",
                        alt=words("production.chart_alt", line=line),
                    )


def _load_rows(view: View, load: pl.DataFrame, parts: dict[str, str]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for found in load.iter_rows(named=True):
        for rank, (part, word) in enumerate(parts.items()):
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
        tables.Column("product", words("term.product"), view.item, width=260),
        tables.Column("sku", words("term.sku")),
        tables.Column("units", words("production.new"), write.exact),
        tables.Column("firm_units", words("production.firm"), write.exact),
        tables.Column("demand_units", words("term.demand"), write.exact),
        tables.Column(
            "backorder_units",
            words("production.backorder"),
            write.exact,
            lambda value: "bad" if value >= 0.5 else "quiet",
        ),
        tables.Column(
            "safety_short_units",
            words("production.safety_short"),
            write.exact,
            lambda value: "warn" if value >= 0.5 else "quiet",
        ),
        tables.Column("minutes", words("term.minutes"), write.exact),
        tables.Column("zone_word", words("production.zone")),
    ]
