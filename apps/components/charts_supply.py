"""Charts of promotions, demand, stock and the plan: intervals, bands, cutoffs, load against the calendar."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from apps.components.charts import Row, Spec, chart, number_axis, week_band, week_x
from apps.components.theme import Colours

# How far an axis of ages runs past the oldest.
_BEYOND = 1.15
# Room for the outer halves of the first and the last day's bar.
_HALF_A_DAY_PX = 6


def intervals(
    colours: Colours, rows: Sequence[Row], *, axis_title: str, tips: Sequence[tuple[str, str]], language: str
) -> Spec:
    """One line per promotion: its effect as a point, its interval as a rule, zero marked.

    Rows: name, value, low, high, colour and the tips.
    """
    order = [row["name"] for row in rows]
    y = {
        "field": "name",
        "type": "nominal",
        "sort": order,
        "axis": {"title": None, "grid": False, "labelLimit": 420, "labelColor": colours.text},
    }
    x_axis = number_axis(language, title=axis_title, scale="x")
    colour = {"field": "colour", "type": "nominal", "scale": None}
    body: Spec = {
        "encoding": {"y": y, "tooltip": _tooltip(tips)},
        "layer": [
            {
                "mark": {"type": "rule", "strokeWidth": 3, "opacity": 0.35, "strokeCap": "round"},
                "encoding": {
                    "x": {"field": "low", "type": "quantitative", "axis": x_axis},
                    "x2": {"field": "high"},
                    "color": colour,
                },
            },
            {
                "mark": {"type": "rule", "color": colours.quiet, "strokeWidth": 1},
                "encoding": {"x": {"datum": 0}, "y": None},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
                "encoding": {"x": {"field": "value", "type": "quantitative"}, "color": colour},
            },
        ],
    }
    return chart(colours, body, rows, height=max(1, len(rows)) * 24 + 40)


def forecast(
    colours: Colours,
    language: str,
    rows: Sequence[Row],
    *,
    cutoff: str | None,
    cutoff_label: str,
    band_labels: tuple[str, str],
    tips: Sequence[tuple[str, str]],
) -> Spec:
    """Observed weeks as a line, the forecast dashed inside its bands, the cutoff marked.

    Rows: week_on, observed, mean, baseline (where people changed it), q05, q10, q90, q95 (null where they do not
    apply) and the tips.
    """
    y: dict[str, Any] = {"type": "quantitative", "scale": {"zero": True}, "axis": number_axis(language)}
    layers: list[Spec] = [
        {
            "transform": [{"filter": "isValid(datum.q05)"}],
            "mark": {"type": "area", "color": colours.accent, "opacity": 0.13},
            "encoding": {"y": {"field": "q05", **y}, "y2": {"field": "q95"}},
        },
        {
            "transform": [{"filter": "isValid(datum.q10)"}],
            "mark": {"type": "area", "color": colours.accent, "opacity": 0.2},
            "encoding": {"y": {"field": "q10", **y}, "y2": {"field": "q90"}},
        },
        {
            "transform": [{"filter": "isValid(datum.observed)"}],
            "mark": {"type": "line", "color": colours.text, "strokeWidth": 1.8},
            "encoding": {"y": {"field": "observed", **y}},
        },
        {
            "transform": [{"filter": "isValid(datum.mean)"}],
            "mark": {"type": "line", "color": colours.accent, "strokeWidth": 2.2, "strokeDash": [5, 3]},
            "encoding": {"y": {"field": "mean", **y}},
        },
        {
            # What the engine said of the weeks that people set by hand.
            "transform": [{"filter": "isValid(datum.baseline)"}],
            "mark": {"type": "tick", "color": colours.warn, "thickness": 2, "bandSize": 16},
            "encoding": {"y": {"field": "baseline", **y}},
        },
        {
            "mark": {"type": "point", "filled": True, "opacity": 0, "size": 300},
            "encoding": {
                "y": {"field": "level", **y},
                "tooltip": _tooltip(tips),
            },
        },
    ]
    ends = [row for row in rows if row.get("q95") is not None][-1:]
    if ends:
        labels = [
            {"week_on": ends[0]["week_on"], "level": (ends[0]["q95"] + ends[0]["q90"]) / 2, "label": band_labels[1]},
            {"week_on": ends[0]["week_on"], "level": (ends[0]["mean"] + ends[0]["q90"]) / 2, "label": band_labels[0]},
        ]
        layers.append(
            {
                "data": {"values": labels},
                "mark": {"type": "text", "align": "left", "dx": 6, "color": colours.quiet, "fontSize": 11},
                "encoding": {"y": {"field": "level", **y}, "text": {"field": "label"}},
            }
        )
    if cutoff is not None:
        mark = [{"week_on": cutoff, "label": cutoff_label}]
        layers.append({"data": {"values": mark}, "mark": {"type": "rule", "color": colours.grey, "strokeDash": [2, 3]}})
        layers.append(
            {
                "data": {"values": mark},
                "mark": {
                    "type": "text",
                    "align": "right",
                    "dx": -6,
                    "dy": -4,
                    "baseline": "bottom",
                    "color": colours.quiet,
                },
                # Down where no line goes: a peak may stand just before the cutoff.
                "encoding": {"text": {"field": "label"}, "y": {"value": "height"}},
            }
        )
    body: Spec = {
        "encoding": {"x": week_x(language, ticks=10)},
        "layer": layers,
        "padding": {"left": 0, "top": 6, "right": 44, "bottom": 4},
    }
    return chart(colours, body, rows, height=290)


def stock_line(colours: Colours, language: str, rows: Sequence[Row], *, tips: Sequence[tuple[str, str]]) -> Spec:
    """Units on hand by day, from zero; rows: day_on, units and the tips."""
    x = _days(language)
    axis = {**number_axis(language), "minExtent": 44}
    body: Spec = {
        "encoding": {
            "x": {**x, "axis": {**x["axis"], "labels": False}},
            "y": {"field": "units", "type": "quantitative", "axis": axis, "scale": {"zero": True}},
            "tooltip": _tooltip(tips),
        },
        "layer": [
            {"mark": {"type": "area", "color": colours.accent, "opacity": 0.1}},
            {"mark": {"type": "line", "color": colours.accent, "strokeWidth": 2}},
            {"mark": {"type": "point", "opacity": 0, "size": 120}},
        ],
    }
    return chart(colours, body, rows, height=210)


def stock_outs(colours: Colours, language: str, rows: Sequence[Row], *, tips: Sequence[tuple[str, str]]) -> Spec:
    """Items out of stock by day, under the stock line; rows: day_on, out and the tips."""
    axis = {**number_axis(language, ticks=2), "minExtent": 44, "format": "d"}
    body: Spec = {
        "mark": {
            "type": "bar",
            "color": colours.bad,
            "opacity": 0.85,
            "size": {"expr": f"max(1, 0.7 * width / {max(1, len(rows))})"},
        },
        "encoding": {
            "x": _days(language),
            "y": {"field": "out", "type": "quantitative", "axis": axis, "scale": {"zero": True, "domainMin": 0}},
            "tooltip": _tooltip(tips),
        },
    }
    return chart(colours, body, rows, height=96)


def _days(language: str) -> Spec:
    """Days along the bottom, the same for the stock line and the bars under it."""
    x = week_x(language, field="day_on", ticks=9)
    # A label past the edge would take its width from this chart and not from the one above.
    return {**x, "scale": {**x["scale"], "padding": _HALF_A_DAY_PX}, "axis": {**x["axis"], "labelBound": True}}


def line_load(
    colours: Colours,
    language: str,
    rows: Sequence[Row],
    *,
    shades: Mapping[str, str],
    top: float,
    tips: Sequence[tuple[str, str]],
) -> Spec:
    """One line's panel: minutes stacked by week in the parts of `shades`, the calendar's minutes as a tick.

    Rows: week_on, part, rank, minutes, available and the tips; `top` is the common end of all panels' scales.
    """
    axis = {**number_axis(language, ticks=4), "minExtent": 36}
    parts = {"domain": list(shades), "range": list(shades.values())}
    body: Spec = {
        "encoding": {"x": week_band(language), "tooltip": _tooltip(tips)},
        "layer": [
            {
                "mark": {"type": "bar"},
                "encoding": {
                    "y": {
                        "field": "minutes",
                        "type": "quantitative",
                        "stack": "zero",
                        "axis": axis,
                        "scale": {"domain": [0, top]},
                    },
                    "color": {"field": "part", "type": "nominal", "scale": parts, "legend": None},
                    "order": {"field": "rank", "type": "quantitative"},
                },
            },
            {
                "transform": [{"filter": "datum.rank == 0"}],
                "mark": {"type": "tick", "color": colours.text, "thickness": 2, "bandSize": 34},
                "encoding": {"y": {"field": "available", "type": "quantitative"}},
            },
        ],
    }
    return chart(colours, body, rows, height=220)


def ages(colours: Colours, rows: Sequence[Row], *, marks: Mapping[int, str], tips: Sequence[tuple[str, str]]) -> Spec:
    """One line per source, a dot per stream at the age of its newest record; a late one is red and named.

    Rows: source, name, hours, colour, label, tips. `marks` names the ages under the axis, which runs from now to years.
    """
    oldest = max(float(row["hours"]) for row in rows)
    shown = {hours: word for hours, word in marks.items() if hours <= oldest * _BEYOND} or dict(list(marks.items())[:1])
    words = " : ".join(f"datum.value == {hours} ? {json.dumps(word)}" for hours, word in shown.items())
    axis: Spec = {
        "title": None,
        "grid": True,
        "values": list(shown),
        "labelExpr": f"{words} : ''",
        "labelOverlap": False,
    }
    y: Spec = {
        "field": "source",
        "type": "nominal",
        "axis": {"title": None, "grid": True, "labelLimit": 200, "labelColor": colours.text, "labelPadding": 14},
    }
    x: Spec = {
        "field": "hours",
        "type": "quantitative",
        "axis": axis,
        "scale": {
            "type": "symlog",
            "constant": 1,
            "domain": [0, max(oldest * _BEYOND, min(shown) * 1.5)],
            "nice": False,
        },
    }
    body: Spec = {
        "encoding": {"y": y, "x": x, "tooltip": _tooltip(tips)},
        "layer": [
            {
                "mark": {"type": "point", "filled": True, "size": 90, "opacity": 0.75},
                "encoding": {"color": {"field": "colour", "type": "nominal", "scale": None}},
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 10, "color": colours.bad, "fontSize": 11},
                "encoding": {"text": {"field": "label"}},
            },
        ],
    }
    return chart(colours, body, rows, height=len({row["source"] for row in rows}) * 25 + 24)


def _tooltip(tips: Sequence[tuple[str, str]]) -> list[Spec]:
    return [{"field": field, "title": title} for field, title in tips]
