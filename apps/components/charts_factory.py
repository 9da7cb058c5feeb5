"""Charts of the factory: effectiveness by shift, where the planned time went, how far processes stand from limits."""

from __future__ import annotations

from collections.abc import Sequence

from apps.components.charts import Row, Spec, chart, number_axis, week_x
from apps.components.theme import Colours

# A label a line to a word; Chinese puts no space between words, and breaks after three characters of five or more.
_LINES = (
    "test(/^[\\u4e00-\\u9fff]{5,}$/, datum.value) ? [slice(datum.value, 0, 3), slice(datum.value, 3)]"
    " : split(datum.value, ' ')"
)
_SHIFT_PX, _AXIS_PX, _CHECK_PX = 24, 26, 26


def shifts(colours: Colours, language: str, rows: Sequence[Row], *, tips: Sequence[tuple[str, str]]) -> Spec:
    """One line's panel: a tile per day and shift, the darker the more effective; what cannot be true is red.

    Rows: day_on, shift (by its start), oee, is_wrong and the tips.
    """
    shade = {
        "condition": {"test": "datum.is_wrong", "value": colours.bad},
        "field": "oee",
        "type": "quantitative",
        # From nothing to what a line could do at best.
        "scale": {"domain": [0, 0.85], "range": [colours.grey_soft, colours.accent], "clamp": True},
        "legend": None,
    }
    x = week_x(language, field="day_on", ticks=9)
    body: Spec = {
        "mark": {"type": "rect", "cornerRadius": 1},
        "encoding": {
            "x": {**x, "timeUnit": "utcyearmonthdate", "bandPosition": 0},
            "y": {"field": "shift", "type": "ordinal", "axis": {"title": None, "grid": False, "minExtent": 40}},
            "color": shade,
            "tooltip": _tooltip(tips),
        },
    }
    return chart(colours, body, rows, height=max(1, len({row["shift"] for row in rows})) * _SHIFT_PX + _AXIS_PX)


def waterfall(colours: Colours, language: str, rows: Sequence[Row], *, tips: Sequence[tuple[str, str]]) -> Spec:
    """From the planned time down to what it was good for: a bar per step, losses hanging from the step before.

    Rows: step, from, to, label, colour and the tips.
    """
    order = [row["step"] for row in rows]
    y = {"field": "from", "type": "quantitative", "axis": {**number_axis(language, ticks=4), "minExtent": 36}}
    axis = {"title": None, "grid": False, "labelAngle": 0, "labelLimit": 96, "labelColor": colours.text}
    body: Spec = {
        "encoding": {
            "x": {
                "field": "step",
                "type": "nominal",
                "sort": order,
                "axis": {**axis, "labelExpr": _LINES},
                "scale": {"paddingInner": 0.25},
            },
            "tooltip": _tooltip(tips),
        },
        "layer": [
            {
                "mark": {"type": "bar", "cornerRadius": 2},
                "encoding": {
                    "y": y,
                    "y2": {"field": "to"},
                    "color": {"field": "colour", "type": "nominal", "scale": None},
                },
            },
            {
                "mark": {"type": "text", "dy": -8, "color": colours.text, "fontSize": 12},
                "encoding": {"y": y, "text": {"field": "label"}},
            },
        ],
    }
    return chart(colours, body, rows, height=230)


def capability(
    colours: Colours, rows: Sequence[Row], *, marks: Sequence[tuple[float, str]], tips: Sequence[tuple[str, str]]
) -> Spec:
    """One line per characteristic and line: a dot per week at its Cpk, the newest one full; `marks` are named values.

    Rows: name, cpk, is_last, colour and the tips.
    """
    order = list(dict.fromkeys(row["name"] for row in rows))
    values = [float(row["cpk"]) for row in rows] + [value for value, _ in marks]
    y: Spec = {
        "field": "name",
        "type": "nominal",
        "sort": order,
        "axis": {"title": None, "grid": True, "labelLimit": 240, "labelColor": colours.text},
    }
    domain = [min(0.0, *values), max(values) * 1.08]
    x: Spec = {
        "field": "cpk",
        "type": "quantitative",
        "axis": {"title": None, "grid": False, "format": ".1f", "tickCount": 5},
        "scale": {"domain": domain, "nice": False},
    }
    colour = {"field": "colour", "type": "nominal", "scale": None}
    layers: list[Spec] = [
        {
            "transform": [{"filter": "!datum.is_last"}],
            "mark": {"type": "point", "filled": True, "size": 34, "opacity": 0.28},
            "encoding": {"y": y, "x": x, "color": {"value": colours.grey}, "tooltip": _tooltip(tips)},
        },
        {
            "transform": [{"filter": "datum.is_last"}],
            "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
            "encoding": {"y": y, "x": x, "color": colour, "tooltip": _tooltip(tips)},
        },
    ]
    for value, label in marks:
        rule = {"values": [{"at": value, "label": label}]}
        layers += [
            {
                "data": rule,
                "mark": {"type": "rule", "color": colours.quiet, "strokeDash": [4, 3]},
                "encoding": {"x": {"field": "at", "type": "quantitative"}},
            },
            {
                "data": rule,
                "mark": {"type": "text", "align": "left", "dx": 4, "y": 4, "color": colours.quiet, "fontSize": 11},
                "encoding": {"x": {"field": "at", "type": "quantitative"}, "text": {"field": "label"}},
            },
        ]
    return chart(colours, {"layer": layers}, rows, height=len(order) * _CHECK_PX + 20)


def _tooltip(tips: Sequence[tuple[str, str]]) -> list[Spec]:
    return [{"field": field, "title": title} for field, title in tips]
