"""Charts as Vega-Lite dictionaries: bars from zero, lines for time, units in words, nothing that is not needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apps.components.theme import Colours
from apps.format import SHORT_FROM, STEPS

Spec = dict[str, Any]
Row = dict[str, Any]
_FONT = "Inter, 'Noto Sans SC', 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif"
# About how wide a letter of a figure is, and how much room a date wants under its bar.
_LETTER_PX = 6.5
_DATE_PX = {"en": 58, "zh": 74}
_DATE_WORDS = {"en": "utcFormat(datum.value, '%-d %b')", "zh": "utcFormat(datum.value, '%-m月%-d日')"}


def chart(colours: Colours, body: Spec, rows: Sequence[Row], *, height: int | None = None) -> Spec:
    """A whole specification: the rows, the body and the quiet dress that every chart wears."""
    sized: Spec = {} if height is None else {"height": height}
    # Without a padding of its own the chart is given twenty pixels of emptiness below.
    room = {"left": 0, "top": 6, "right": 4, "bottom": 4}
    return {"data": {"values": list(rows)}, "padding": room, **sized, **body, "config": dress(colours)}


def dress(colours: Colours) -> Spec:
    """Axes without lines, a faint grid, the reader's font, room for labels."""
    text = {"font": _FONT, "fontSize": 12, "color": colours.quiet}
    return {
        "background": "transparent",
        "font": _FONT,
        "view": {"stroke": None},
        "axis": {
            "labelFont": _FONT,
            "labelFontSize": 12,
            "labelColor": colours.quiet,
            "titleFont": _FONT,
            "titleFontSize": 12,
            "titleFontWeight": 400,
            "titleColor": colours.quiet,
            "gridColor": colours.grid,
            "domain": False,
            "ticks": False,
            "labelPadding": 6,
        },
        "header": {
            "labelFont": _FONT,
            "labelFontSize": 13,
            "labelFontWeight": 600,
            "labelColor": colours.text,
            "labelAnchor": "start",
            "title": None,
        },
        "legend": {
            "labelFont": _FONT,
            "labelFontSize": 12,
            "labelColor": colours.quiet,
            "title": None,
            "orient": "top",
            "direction": "horizontal",
            "symbolType": "square",
            "symbolSize": 90,
            "offset": 4,
        },
        "text": text,
    }


def number_axis(language: str, *, title: str | None = None, prefix: str = "", ticks: int = 5, scale: str = "y") -> Spec:
    """A quantity's axis in the units of cards and tables (k, M; 万, 亿); its largest value chooses one unit for all."""
    largest = f"max(abs(domain('{scale}')[0]), abs(domain('{scale}')[1]))"
    words = "format(datum.value, ',.4~r')"
    for size, unit in reversed(STEPS[language]):
        limit = max(size, SHORT_FROM)
        words = f"{largest} >= {limit:.0f} ? format(datum.value / {size:.0f}, ',.3~r') + '{unit}' : {words}"
    return {
        "title": title,
        "labelExpr": f"datum.value == 0 ? '0' : '{prefix}' + ({words})",
        "tickCount": ticks,
        "grid": True,
    }


def week_x(language: str, *, field: str = "week_on", ticks: int | None = None) -> Spec:
    """Weeks along the bottom, in the reader's language; dates are taken as they are, in no zone."""
    axis: Spec = {
        "title": None,
        "grid": False,
        "labelExpr": _DATE_WORDS[language],
        "labelOverlap": True,
        "labelSeparation": 8,
        "labelFlush": False,
    }
    if ticks is not None:
        axis["tickCount"] = ticks
    return {"field": field, "type": "temporal", "scale": {"type": "utc"}, "axis": axis}


def week_band(language: str, *, field: str = "week_on") -> Spec:
    """Weeks as bands, for bars: every bar stands on its own date, labels thin out as the chart gets narrower."""
    every = f"max(1, ceil(length(domain('x')) * {_DATE_PX[language]} / width))"
    keep = f"indexof(domain('x'), datum.value) % {every} == 0"
    words = _DATE_WORDS[language].replace("datum.value", "toDate(datum.value)")
    axis = {"title": None, "grid": False, "labelAngle": 0, "labelExpr": f"{keep} ? {words} : ''", "labelOverlap": False}
    return {"field": field, "type": "ordinal", "axis": axis, "scale": {"paddingInner": 0.25, "paddingOuter": 0.1}}


def hatch(colour: str) -> Spec:
    """Stripes, for a period that is not over yet."""
    stops: list[Spec] = []
    stripes = 14
    for stripe in range(stripes):
        shade = colour if stripe % 2 == 0 else "rgba(127,140,160,0.16)"
        stops += [{"offset": stripe / stripes, "color": shade}, {"offset": (stripe + 1) / stripes, "color": shade}]
    return {"gradient": "linear", "x1": 0, "y1": 0, "x2": 1, "y2": 1, "stops": stops}


def spark(colours: Colours, values: Sequence[float | None]) -> Spec:
    """A figure's recent course: a line over a soft ground that starts at zero, the last point marked."""
    rows = [{"at": index, "value": value} for index, value in enumerate(values) if value is not None]
    x = {"field": "at", "type": "quantitative", "axis": None, "scale": {"nice": False, "zero": False, "padding": 3}}
    y = {"field": "value", "type": "quantitative", "axis": None, "scale": {"zero": True, "nice": False, "padding": 2}}
    last = len(rows) - 1
    layers = [
        {"mark": {"type": "area", "color": colours.accent, "opacity": 0.1}},
        {"mark": {"type": "line", "color": colours.accent, "strokeWidth": 1.5}},
        {
            "transform": [{"filter": f"datum.at == {rows[last]['at'] if rows else 0}"}],
            "mark": {"type": "point", "filled": True, "color": colours.accent, "size": 28, "opacity": 1},
        },
    ]
    body: Spec = {
        "layer": layers,
        "encoding": {"x": x, "y": y},
        "padding": {"left": 0, "top": 2, "right": 2, "bottom": 0},
    }
    return chart(colours, body, rows, height=40)


def spark_bars(colours: Colours, values: Sequence[float]) -> Spec:
    """A figure's spread: one small bar per step, from zero."""
    rows = [{"at": index, "value": value} for index, value in enumerate(values)]
    body: Spec = {
        "mark": {"type": "bar", "color": colours.accent, "opacity": 0.75, "cornerRadiusEnd": 1},
        "encoding": {
            "x": {"field": "at", "type": "ordinal", "axis": None, "scale": {"paddingInner": 0.3}},
            "y": {"field": "value", "type": "quantitative", "axis": None, "scale": {"zero": True, "nice": False}},
        },
        "padding": {"left": 0, "top": 2, "right": 2, "bottom": 0},
    }
    return chart(colours, body, rows, height=40)


def weekly_bars(
    colours: Colours,
    language: str,
    rows: Sequence[Row],
    *,
    prefix: str,
    labels: tuple[str, str, str],
    height: int = 280,
) -> Spec:
    """Bars by week from zero, the equal week of the span before as a grey tick, the running week hatched.

    Rows: week_on, value, before, is_partial, tip_week, tip_value, tip_before; `labels` name the three tips.
    """
    tips = [
        {"field": field, "title": title}
        for field, title in zip(("tip_week", "tip_value", "tip_before"), labels, strict=True)
    ]
    y_axis = number_axis(language, prefix=prefix)
    body: Spec = {
        "encoding": {"x": week_band(language), "tooltip": tips},
        "layer": [
            {
                "transform": [{"filter": "!datum.is_partial"}],
                "mark": {"type": "bar", "color": colours.accent, "cornerRadiusEnd": 3},
                "encoding": {"y": {"field": "value", "type": "quantitative", "axis": y_axis}},
            },
            {
                "transform": [{"filter": "datum.is_partial"}],
                "mark": {"type": "bar", "color": hatch(colours.accent), "cornerRadiusEnd": 3},
                "encoding": {"y": {"field": "value", "type": "quantitative"}},
            },
            {
                "transform": [{"filter": "isValid(datum.before)"}],
                # The card's own colour around it keeps a tick apart from the bar that it lies on.
                "mark": {
                    "type": "tick",
                    "color": colours.grey,
                    "thickness": 3.5,
                    "bandSize": 26,
                    "stroke": colours.card,
                    "strokeWidth": 1,
                },
                "encoding": {"y": {"field": "before", "type": "quantitative"}},
            },
        ],
    }
    return chart(colours, body, rows, height=height)


def ranked_bars(
    colours: Colours, rows: Sequence[Row], *, labels: Sequence[str], tips: Sequence[str], row_height: int = 38
) -> Spec:
    """Horizontal bars with the name above and the written figure at the end; rows: name, value, text, colour, tips."""
    order = [row["name"] for row in rows]
    top = max((float(row["value"]) for row in rows), default=1.0) or 1.0
    figures = _LETTER_PX * max((len(row["text"]) for row in rows), default=0)
    # A long name gives way to the figure at the end of its line, in a narrow card too.
    limit = {"expr": f"max(40, width - {figures + 10:.0f})"}
    body: Spec = {
        "encoding": {
            "y": {
                "field": "name",
                "type": "nominal",
                "sort": order,
                "axis": None,
                "scale": {"paddingInner": 0.68, "paddingOuter": 0.4},
            },
            "x": {"field": "value", "type": "quantitative", "axis": None, "scale": {"domain": [0, top]}},
            "tooltip": [{"field": field, "title": label} for field, label in zip(tips, labels, strict=True)],
        },
        "layer": [
            {
                "mark": {"type": "bar", "cornerRadiusEnd": 3},
                "encoding": {"color": {"field": "colour", "type": "nominal", "scale": None}},
            },
            {
                "mark": {"type": "text", "align": "left", "dy": -15, "color": colours.text, "limit": limit},
                "encoding": {"text": {"field": "name"}, "x": {"value": 0}},
            },
            {
                "mark": {"type": "text", "align": "right", "dy": -15, "color": colours.quiet},
                "encoding": {"text": {"field": "text"}, "x": {"value": "width"}},
            },
        ],
    }
    return chart(colours, body, rows, height=max(1, len(rows)) * row_height)


def small_line(
    colours: Colours,
    language: str,
    rows: Sequence[Row],
    *,
    prefix: str,
    labels: tuple[str, str, str],
    say_before: bool = False,
) -> Spec:
    """One small panel of a row of panels: a line from zero, the span before in grey, named at its peak if asked.

    Rows: week_on, value, before, tip_week, tip_value, tip_before.
    """
    tips = [
        {"field": field, "title": title}
        for field, title in zip(("tip_week", "tip_value", "tip_before"), labels, strict=True)
    ]
    y = {
        "type": "quantitative",
        "scale": {"zero": True},
        "axis": {**number_axis(language, prefix=prefix, ticks=3), "minExtent": 42},
    }
    before = {"field": "before", **y}
    value = {"field": "value", **y}
    body: Spec = {
        "encoding": {"x": week_x(language, ticks=4), "tooltip": tips},
        "layer": [
            {
                "mark": {"type": "line", "color": colours.grey, "strokeWidth": 1.5, "opacity": 0.7},
                "encoding": {"y": before},
            },
            {"mark": {"type": "area", "color": colours.accent, "opacity": 0.08}, "encoding": {"y": value}},
            {
                "mark": {
                    "type": "line",
                    "color": colours.accent,
                    "strokeWidth": 2,
                    "point": {"size": 24, "color": colours.accent},
                },
                "encoding": {"y": value},
            },
        ],
    }
    known = [row for row in rows if row["before"] is not None]
    if say_before and known:
        peak = max(known, key=lambda row: float(row["before"]))
        late = rows.index(peak) * 2 > len(rows)
        mark = {"type": "text", "align": "right" if late else "left", "dy": -9, "color": colours.quiet, "fontSize": 11}
        body["layer"].append(
            {
                "data": {"values": [{**peak, "label": labels[2]}]},
                "mark": mark,
                "encoding": {"y": before, "text": {"field": "label"}, "tooltip": None},
            }
        )
    return chart(colours, body, rows, height=190)


def stacked_weeks(
    colours: Colours,
    language: str,
    rows: Sequence[Row],
    *,
    order: Sequence[str],
    palette: Sequence[str],
    tips: Sequence[tuple[str, str]],
) -> Spec:
    """Bars by week, stacked by part from zero; rows: week_on, part, rank, value and the tips."""
    body: Spec = {
        "mark": {"type": "bar"},
        "encoding": {
            "x": week_band(language),
            "y": {"field": "value", "type": "quantitative", "axis": number_axis(language), "stack": "zero"},
            "color": {"field": "part", "type": "nominal", "scale": {"domain": list(order), "range": list(palette)}},
            "order": {"field": "rank", "type": "quantitative"},
            "tooltip": [{"field": field, "title": title} for field, title in tips],
        },
    }
    return chart(colours, body, rows, height=280)
