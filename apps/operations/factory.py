"""Factory: how much of the planned time became good product, by line and shift, and where did the rest go?"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from apps import format as write
from apps.components import cards, filters, frame, tables
from apps.components.cards import Card, row
from apps.components.filters import Choice
from apps.components.view import View
from apps.operations import factory_charts
from apps.queries import factory

_NEEDS = ("mart_line_oee", "mart_line_downtime", "fct_event_context", "mart_quality", "dim_product")
_MINUTES = ("planned", "setup", "stop", "waiting", "run", "ideal", "good")


@frame.page("factory", needs=_NEEDS)
def page(view: View, export: DeltaGenerator) -> None:
    """Draws the page for the period and line of the URL."""
    lines = factory.lines(view.warehouse)
    choices = [
        filters.period(view),
        Choice("line", [filters.ALL, *lines], lambda code: _line_word(view, code), ":material/conveyor_belt:"),
    ]
    chosen = filters.row(view, choices)
    start, end = span(view, chosen["period"])
    line = chosen["line"]
    shifts = factory.shifts(view.warehouse, start, end, line=line)
    before = factory.shifts(view.warehouse, start - (end - start), start, line=line)
    stops = factory.stops(view.warehouse, start, end, line=line)
    frame.finding(finding(view, shifts))
    row(view, figures(view, shifts, before))
    factory_charts.by_shift(view, shifts, rates(shifts))
    left, right = st.columns(2, gap="small")
    with left:
        factory_charts.losses(view, minutes(shifts))
    with right:
        factory_charts.pareto(view, stops)
    factory_charts.capability(view, factory.capability(view.warehouse, start, end, line=line))
    _shift_table(view, shifts)
    _alarm_table(view, export, factory.alarms(view.warehouse, start, end, line=line))


def span(view: View, period: str | None) -> tuple[date, date]:
    """The days of the period: whole weeks back from the last day that has a shift."""
    bounds = factory.bounds(view.warehouse)
    first, last = bounds or (view.today, view.today)
    end = last + timedelta(days=1)
    start = first if period is None else end - timedelta(weeks=int(period.removesuffix("w")))
    return max(start, first), end


def minutes(shifts: pl.DataFrame) -> dict[str, float]:
    """The minutes of all shifts by what became of them."""
    return {name: float(shifts[f"{name}_minutes"].sum() or 0) for name in _MINUTES}


def rates(shifts: pl.DataFrame) -> dict[str, float | None]:
    """Availability, performance, quality and OEE of all shifts together: each a ratio of sums."""
    of = minutes(shifts)

    def ratio(part: str, whole: str) -> float | None:
        return of[part] / of[whole] if of[whole] else None

    return {
        "availability": ratio("run", "planned"),
        "performance": ratio("ideal", "run"),
        "quality": ratio("good", "ideal"),
        "oee": ratio("good", "planned"),
    }


def finding(view: View, shifts: pl.DataFrame) -> str:
    """One sentence: OEE, the weakest line, and what takes most of the planned time."""
    words, of = view.words, minutes(shifts)
    if not of["planned"]:
        return words("factory.finding.none")
    by_line = {name[0]: rates(rows)["oee"] or 0.0 for name, rows in shifts.group_by("line_id", maintain_order=True)}
    weakest = min(sorted(by_line), key=lambda name: by_line[name])
    lost = {
        "setup": of["setup"],
        "stop": of["stop"],
        "waiting": of["waiting"],
        "speed": of["run"] - of["ideal"],
        "quality": of["ideal"] - of["good"],
    }
    worst = max(lost, key=lambda name: lost[name])
    said = {
        "oee": write.plain(write.percent(rates(shifts)["oee"])),
        "line": write.plain(weakest),
        "loss": words(f"factory.loss.{worst}").lower(),
        "share": write.plain(write.percent(lost[worst] / of["planned"], 0)),
    }
    return words("factory.finding.one" if len(by_line) == 1 else "factory.finding.lines", **said)


def figures(view: View, shifts: pl.DataFrame, before: pl.DataFrame) -> list[Card]:
    """OEE with its three factors, first-pass yield, time between failures, and how far counters and MES agree."""
    words = view.words
    now, then = rates(shifts), rates(before)
    weeks = shifts.with_columns(pl.col("shift_on").dt.truncate("1w").alias("week_on")).sort("week_on")
    course = [rates(rows) for _, rows in weeks.group_by("week_on", maintain_order=True)]
    made, good = float(shifts["made_units"].sum() or 0), float(shifts["good_units"].sum() or 0)
    old_made, old_good = float(before["made_units"].sum() or 0), float(before["good_units"].sum() or 0)
    failures = int(shifts["failures"].sum() or 0)
    repair = float(shifts["repair_minutes"].sum() or 0)
    counted = shifts.filter(pl.col("counter_verdict") != "no counter")
    agreeing = counted.filter(pl.col("counter_verdict") == "agree").height
    return [
        cards.of(
            view,
            "oee",
            now["oee"],
            change=write.points(now["oee"], then["oee"], words("unit.points")),
            note=words("card.before_short"),
            course=[week["oee"] for week in course],
        ),
        cards.of(
            view,
            "first_pass_yield",
            good / made if made else None,
            change=write.points(
                good / made if made else None, old_good / old_made if old_made else None, words("unit.points")
            ),
            note=words("card.before_short"),
            course=[week["quality"] for week in course],
        ),
        cards.of(
            view,
            "mtbf",
            minutes(shifts)["run"] / failures / 60 if failures else None,
            note=words(
                "factory.mttr_note", failures=failures, minutes=write.exact(repair / failures if failures else 0)
            ),
        ),
        Card(
            view.metric("counter_agreement").name,
            words("unit.of", part=agreeing, whole=counted.height) if counted.height else write.NONE,
            note=words("factory.counters_note") if counted.height else words("factory.no_counters"),
            explained=view.metric("counter_agreement").meaning,
        ),
    ]


def _shift_table(view: View, shifts: pl.DataFrame) -> None:
    words = view.words
    listed = shifts.filter(pl.col("planned_minutes") > 0).with_columns(
        pl.col("counter_verdict").map_elements(lambda code: words.code("counter", code), return_dtype=pl.String),
    )
    columns = [
        tables.Column("starts_at", words("factory.shift"), view.moment),
        tables.Column("line_id", words("term.line")),
        tables.Column("oee_rate", view.metric("oee").name, write.percent, lambda rate: "bad" if rate > 1 else ""),
        tables.Column("availability_rate", view.metric("availability").name, write.percent),
        tables.Column("performance_rate", view.metric("performance").name, write.percent),
        tables.Column("quality_rate", view.metric("quality").name, write.percent),
        tables.Column("good_units", words("factory.good"), write.exact),
        tables.Column("counter_good_units", words("factory.counter_good"), write.exact),
        tables.Column(
            "difference_units", words("factory.difference"), write.exact, lambda value: "bad" if value else "quiet"
        ),
        tables.Column("counter_verdict", words("factory.counter_verdict")),
    ]
    shown = listed.head(tables.SHOWN_ROWS)
    tables.table(view, shown, columns, title=words("factory.shift_table", count=shown.height), key="shifts", seen=6)


def _alarm_table(view: View, export: DeltaGenerator, alarms: pl.DataFrame) -> None:
    words = view.words
    linked = "link"
    listed = alarms.with_columns(
        pl.coalesce("name", "sku").alias("product"),
        pl.col("kind").map_elements(lambda code: words.code("alarm", code), return_dtype=pl.String).alias("kind_word"),
        pl.struct("moved_tag", "moved_before", "moved_during", "moved_unit")
        .map_elements(moved, return_dtype=pl.String)
        .alias("moved"),
        filters.address(view, "traceability", "lot_id", "trace").alias(linked),
    )
    columns = [
        tables.Column("started_at", words("factory.alarm_at"), view.moment),
        tables.Column("line_id", words("term.line")),
        tables.Column("message", words("factory.alarm"), lambda code: words.code("downtime", code), width=150),
        tables.Column(
            "duration_minutes",
            words("term.minutes"),
            lambda value: write.exact(value, 1),
            lambda value: "bad" if value >= 20 else "",
        ),
        tables.Column("acknowledge_minutes", words("factory.answered"), lambda value: write.exact(value, 1)),
        tables.Column("moved", words("factory.moved"), width=215, help=words("explain.moved")),
        tables.Column("product", words("term.product"), view.item, width=120),
        tables.Column("lot_id", words("term.lot")),
        tables.Column("mwo_id", words("factory.repair")),
        tables.Column("kind_word", words("filter.kind")),
    ]
    tables.table(view, listed, columns, title=words("factory.alarm_table"), key="alarms", link=linked, is_exported=True)
    tables.export(view, export, listed, columns, name="alarms")


def moved(measured: dict[str, object]) -> str | None:
    """What an alarm's most moved value did: `oven 21 → 27 °C`; None where nothing was measured."""
    before, during = measured["moved_before"], measured["moved_during"]
    if not isinstance(before, float) or not isinstance(during, float):
        return None
    digits = 0 if abs(before) >= 100 else 1
    unit = measured["moved_unit"] or ""
    return f"{measured['moved_tag']} {write.exact(before, digits)} → {write.exact(during, digits)} {unit}".strip()


def _line_word(view: View, code: str) -> str:
    return view.words("filter.all.line") if code == filters.ALL else view.words("production.line", line=code)
