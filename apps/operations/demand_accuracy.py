"""How good the forecast is: what each step is worth, the published error's course, and who raises an alarm."""

from __future__ import annotations

import polars as pl
import streamlit as st

from apps import format as write
from apps.components import blocks, charts_forecast, tables
from apps.components.charts import week_x
from apps.components.view import View
from apps.queries import forecast

_SEEN = 6


def draw(view: View, *, is_wide: bool) -> None:
    """One card: bars of the steps' errors, and the error's course beside them where there is room, else below."""
    words = view.words
    ladder = forecast.ladder(view.warehouse)
    with st.container(border=True, key="card-worth", gap="xsmall", height="stretch"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.markdown(f"**{words('demand.worth')}**", width="stretch")
            if not ladder.is_empty():
                st.caption(words("demand.worth_note", weeks=ladder["horizon"].max()), width="content")
        if ladder.is_empty():
            st.caption(words("demand.worth_none"))
            return
        first, second = st.columns(2, gap="medium") if is_wide else (st.container(), st.container())
        tips = (("name", words("demand.step")), ("text", words("demand.error")), ("exact", words("demand.added")))
        spec = charts_forecast.steps(view.colours, _steps(view, ladder), tips=tips)
        first.vega_lite_chart(spec, theme=None, key="chart-worth", alt=words("demand.worth_alt"))
        with second:
            _course(view)
        st.markdown(alarm(view))


def alarm(view: View) -> str:
    """One sentence: which errors keep their sign or grow, or that none do, or that no week is known yet."""
    words = view.words
    series, weeks = forecast.tracked(view.warehouse)
    if not series:
        return words("demand.alarm.none_known")
    found = forecast.alarms(view.warehouse)
    if found.is_empty():
        return words("demand.alarm.none", series=write.exact(series), weeks=weeks)
    single = found.filter(level="series").height
    return words("demand.alarm.some", alarms=write.exact(single), series=write.exact(series), weeks=weeks)


def is_alarming(view: View) -> bool:
    """Whether any forecast raises an alarm."""
    return not forecast.alarms(view.warehouse).is_empty()


def alarms(view: View) -> None:
    """The table of alarms, where there are any."""
    found = forecast.alarms(view.warehouse)
    if found.is_empty():
        return
    words = view.words
    shown = found.with_columns(
        pl.Series("what", [_node(view, row["level"], row["node"]) for row in found.iter_rows(named=True)]),
        pl.Series("kind", [_kind(view, row) for row in found.iter_rows(named=True)]),
    )
    columns = [
        tables.Column("what", words("demand.alarm.of"), width=320),
        tables.Column("kind", words("term.status"), tone=lambda _: "bad"),
        tables.Column("bias", view.metric("forecast_bias").name, write.signed_percent, help=words("explain.bias")),
        tables.Column("tracking_signal", words("demand.signal"), _signal, help=words("explain.tracking_signal")),
        tables.Column("drift_ratio", words("demand.drift"), _times, help=words("explain.drift")),
        tables.Column("weeks", words("demand.alarm.weeks"), write.exact),
    ]
    tables.table(view, shown, columns, title=words("demand.alarm.title"), key="alarms", seen=_SEEN)


def _steps(view: View, ladder: pl.DataFrame) -> list[dict[str, object]]:
    by_step = {row["step"]: row for row in ladder.iter_rows(named=True) if row["wape"] is not None}
    rows = [by_step[step] for step in forecast.STEPS if step in by_step]
    return [
        {
            "name": view.words(f"demand.steps.{row['step'].replace(' ', '_')}"),
            "wape": row["wape"],
            "text": write.percent(row["wape"]),
            "added": _points(view, row["value_added_rate"]),
            "exact": _points(view, row["value_added_rate"]) or write.NONE,
            "tone": _tone(row["value_added_rate"]),
            "is_published": row["is_published"],
        }
        for row in rows
    ]


def _points(view: View, rate: float | None) -> str:
    """What a step takes off the error, in points of the error: less is good."""
    return "" if rate is None else write.points(-rate, 0.0, view.words("unit.points")).text


def _tone(rate: float | None) -> str:
    if rate is None or abs(rate) <= write.NEUTRAL_RATE:
        return ""
    return "good" if rate > 0 else "bad"


def _course(view: View) -> None:
    """The published error run by run; while there is one run, by weeks ahead."""
    words = view.words
    runs = forecast.over_time(view.warehouse)
    if runs.height > 1:
        rows = [
            {
                "at": row["scored_on"].isoformat(),
                "when": view.day(row["scored_on"]),
                **_errors(row["wape"], row["naive_wape"]),
            }
            for row in runs.iter_rows(named=True)
        ]
        x, title = week_x(view.language, field="at", ticks=6), words("demand.course")
    else:
        rows = [
            {
                "at": row["horizon"],
                "when": words("demand.weeks_ahead", weeks=row["horizon"]),
                **_errors(row["wape"], row["naive_wape"]),
            }
            for row in forecast.ahead(view.warehouse).iter_rows(named=True)
        ]
        axis = {"title": None, "grid": False, "format": "d", "tickMinStep": 1, "tickCount": 10}
        scale = {"zero": False, "nice": False, "padding": 8}
        x, title = {"field": "at", "type": "quantitative", "axis": axis, "scale": scale}, words("demand.course_ahead")
    if not rows:
        return
    shades = (view.colours.accent, view.colours.grey)
    names = (words("demand.published"), words("demand.steps.naive"))
    blocks.legend(list(zip(shades, names, strict=True)), title)
    spec = charts_forecast.errors(
        view.colours,
        rows,
        x=x,
        tips=(
            ("when", words("term.week")),
            ("error", words("demand.error")),
            ("naive_error", words("demand.steps.naive")),
        ),
    )
    st.vega_lite_chart(spec, theme=None, key="chart-course", alt=words("demand.course_alt"))


def _errors(wape: float, naive: float | None) -> dict[str, object]:
    return {"wape": wape, "naive": naive, "error": write.percent(wape), "naive_error": write.percent(naive)}


def _node(view: View, level: str, node: str) -> str:
    if level == "all":
        return view.words("demand.alarm.everything")
    if level == "category":
        return view.category(node)
    sku, channel, place = node.split(" × ")
    return write.name(" · ".join([sku, view.channel(channel), *([] if place == "*" else [place])]))


def _kind(view: View, row: dict[str, bool]) -> str:
    if row["is_biased"] and row["is_drifting"]:
        return view.words("demand.alarm.both")
    return view.words("demand.alarm.biased" if row["is_biased"] else "demand.alarm.drifting")


def _signal(value: float | None) -> str:
    return write.NONE if value is None else write.signed(write.exact(value, 1))


def _times(value: float | None) -> str:
    return write.NONE if value is None else f"× {write.exact(value, 1)}"
