"""The factory page's charts: tiles by shift, the losses' waterfall, reasons for stops, capability."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
import streamlit as st

from apps import format as write
from apps.components import blocks, charts, charts_factory
from apps.components.view import View

_REASONS = 8
_CAPABLE, _BARELY = 1.33, 1.0
_PANELS_PER_ROW = 3


def by_shift(view: View, shifts: pl.DataFrame, rates: Mapping[str, float | None]) -> None:
    """A panel per line: each shift a tile, the darker the more effective; beside the title, the factors of OEE."""
    words = view.words
    known = shifts.filter(pl.col("oee_rate").is_not_null())
    if known.is_empty():
        return
    tips = (
        ("tip_shift", words("factory.shift")),
        ("tip_oee", view.metric("oee").name),
        ("tip_availability", view.metric("availability").name),
        ("tip_performance", view.metric("performance").name),
        ("tip_quality", view.metric("quality").name),
        ("tip_counter", words("factory.counter_verdict")),
    )
    with st.container(border=True, key="card-chart-shifts", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.markdown(f"**{words('factory.by_shift')}**", width="stretch")
            factors = {name: write.percent(rates[name], 0) for name in ("availability", "performance", "quality")}
            st.caption(write.plain(words("factory.by_shift_note", **factors)), width="content")
        lines = known["line_id"].unique().sort().to_list()
        for start in range(0, len(lines), _PANELS_PER_ROW):
            columns = st.columns(min(len(lines), _PANELS_PER_ROW), gap="medium")
            for column, line in zip(columns, lines[start:], strict=False):
                rows = [_tile(view, found) for found in known.filter(line_id=line).iter_rows(named=True)]
                with column:
                    st.caption(write.plain(words("production.line", line=line)))
                    st.vega_lite_chart(
                        charts_factory.shifts(view.colours, view.language, rows, tips=tips),
                        theme=None,
                        key=f"chart-shifts-{lines.index(line)}",
                        alt=words("factory.by_shift_alt", line=line),
                    )


def _tile(view: View, found: dict[str, Any]) -> charts.Row:
    return {
        "day_on": found["shift_on"].isoformat(),
        "shift": f"{view.local(found['starts_at']):%H:%M}",
        "oee": found["oee_rate"],
        "is_wrong": found["is_above_one"],
        "tip_shift": view.moment(found["starts_at"]),
        "tip_oee": write.percent(found["oee_rate"]),
        "tip_availability": write.percent(found["availability_rate"]),
        "tip_performance": write.percent(found["performance_rate"]),
        "tip_quality": write.percent(found["quality_rate"]),
        "tip_counter": view.words.code("counter", found["counter_verdict"]),
    }


def losses(view: View, of: Mapping[str, float]) -> None:
    """From planned hours to good ones, a step per loss."""
    words, planned = view.words, of["planned"]
    if not planned:
        return
    steps = (
        ("setup", of["setup"]),
        ("stop", of["stop"]),
        ("waiting", of["waiting"]),
        ("speed", of["run"] - of["ideal"]),
        ("quality", of["ideal"] - of["good"]),
    )
    rows = [_step(view, "planned", planned, 0.0, planned, view.colours.grey)]
    left = planned
    for name, lost in steps:
        rows.append(_step(view, name, left, left - lost, planned, view.colours.bad))
        left -= lost
    rows.append(_step(view, "good", of["good"], 0.0, planned, view.colours.accent))
    tips = (("step", words("production.part")), ("tip_hours", words("factory.hours")), ("label", words("term.share")))
    blocks.figure(
        charts_factory.waterfall(view.colours, view.language, rows, tips=tips),
        title=words("factory.losses"),
        note=words("factory.losses_note"),
        alt=words("factory.losses_alt"),
        key="losses",
    )


def _step(view: View, name: str, top: float, bottom: float, planned: float, colour: str) -> charts.Row:
    return {
        "step": view.words(f"factory.loss.{name}"),
        "from": top / 60,
        "to": bottom / 60,
        "label": write.percent((top - bottom) / planned, 0 if name in ("planned", "good") else 1),
        "colour": colour,
        "tip_hours": write.exact((top - bottom) / 60, 1),
    }


def pareto(view: View, stops: pl.DataFrame) -> None:
    """Reasons for unplanned stops, the longest first, with their share so far."""
    words = view.words
    if stops.is_empty():
        return
    total = float(stops["minutes"].sum())
    shown = stops.with_columns(pl.col("minutes").cum_sum().alias("so_far")).head(_REASONS)
    rows = [
        {
            "name": words.code("downtime", found["reason"]),
            "value": found["minutes"],
            "text": words(
                "factory.pareto_text",
                hours=write.exact(found["minutes"] / 60, 1),
                so_far=write.percent(found["so_far"] / total, 0),
            ),
            "colour": view.colours.accent,
            "tip_hours": write.exact(found["minutes"] / 60, 1),
            "tip_times": write.exact(found["occurrences"]),
        }
        for found in shown.iter_rows(named=True)
    ]
    blocks.figure(
        charts.ranked_bars(
            view.colours,
            rows,
            labels=[words("factory.reason"), words("factory.hours"), words("factory.times")],
            tips=["name", "tip_hours", "tip_times"],
        ),
        title=words("factory.pareto"),
        note=words("factory.pareto_note"),
        alt=words("factory.pareto_alt"),
        key="pareto",
    )


def capability(view: View, weeks: pl.DataFrame) -> None:
    """Cpk by characteristic and line: every week with values enough a dot, the newest one full."""
    words = view.words
    known = weeks.filter(pl.col("is_enough"))
    if known.is_empty():
        return
    newest = pl.col("week_on") == pl.col("week_on").max().over("characteristic", "line_id")
    rows = [
        {
            "name": f"{words.code('characteristic', found['characteristic'])} · {found['line_id']}",
            "cpk": found["cpk"],
            "is_last": found["is_last"],
            "colour": _shade(view, found["cpk"]),
            "tip_week": words("chart.week_of", day=view.day(found["week_on"])),
            "tip_cpk": write.exact(found["cpk"], 2),
            "tip_cp": write.exact(found["cp"], 2),
            "tip_mean": write.exact(found["mean"], 2),
            "tip_sigma": write.exact(found["sigma"], 3),
            "tip_values": write.exact(found["measured"]),
            "tip_passed": write.percent(found["first_pass_rate"]),
        }
        for found in known.with_columns(newest.alias("is_last")).iter_rows(named=True)
    ]
    tips = (
        ("name", words("factory.characteristic")),
        ("tip_week", words("term.week")),
        ("tip_cpk", words("factory.cpk")),
        ("tip_cp", words("factory.cp")),
        ("tip_mean", words("factory.mean")),
        ("tip_sigma", words("factory.sigma")),
        ("tip_values", words("factory.values")),
        ("tip_passed", view.metric("first_pass_yield").name),
    )
    blocks.figure(
        charts_factory.capability(
            view.colours,
            rows,
            marks=((_BARELY, write.exact(_BARELY, 1)), (_CAPABLE, write.exact(_CAPABLE, 2))),
            tips=tips,
        ),
        title=words("factory.capability"),
        note=words("factory.capability_note"),
        alt=words("factory.capability_alt"),
        key="capability",
    )


def _shade(view: View, cpk: float) -> str:
    colours = view.colours
    return colours.good if cpk >= _CAPABLE else colours.warn if cpk >= _BARELY else colours.bad
