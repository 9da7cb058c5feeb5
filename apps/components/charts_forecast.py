"""Charts of what is behind a forecast: its parts by week, each step's error, and the error's course."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from apps.components.charts import Row, Spec, chart, number_axis, week_band
from apps.components.theme import Colours

_ROW_PX = 30
_LETTER_PX = 7
_WIDE_PX = 13


def parts_by_week(
    colours: Colours, language: str, rows: Sequence[Row], *, shades: Mapping[str, str], tips: Sequence[tuple[str, str]]
) -> Spec:
    """Bars by week stacked up and down from the base: what lifts and what lowers each week.

    Rows: week_on, part (a key of `shades`), rank, units and the tips.
    """
    body: Spec = {
        "encoding": {"x": week_band(language)},
        "layer": [
            {
                "mark": {"type": "bar"},
                "encoding": {
                    "y": {
                        "field": "units",
                        "type": "quantitative",
                        "stack": "zero",
                        "axis": number_axis(language, ticks=5),
                    },
                    "color": {
                        "field": "part",
                        "type": "nominal",
                        "scale": {"domain": list(shades), "range": list(shades.values())},
                        "legend": None,
                    },
                    "order": {"field": "rank", "type": "quantitative"},
                    "tooltip": [{"field": field, "title": title} for field, title in tips],
                },
            },
            {
                "mark": {"type": "rule", "color": colours.quiet, "strokeWidth": 1},
                "encoding": {"x": None, "y": {"datum": 0}},
            },
        ],
    }
    return chart(colours, body, rows, height=230)


def steps(colours: Colours, rows: Sequence[Row], *, tips: Sequence[tuple[str, str]]) -> Spec:
    """One bar per step, its error from zero, the published one in the accent; the figure and what it adds beside it.

    Rows: name, wape, text, added, tone ('good', 'bad' or ''), is_published and the tips.
    """
    top = max((row["wape"] for row in rows), default=1.0)
    column = 16 + max((_width(str(row["added"])) for row in rows), default=0)
    # The figures stand in columns of their own, right of the longest bar.
    columns = column + 12 + max((_width(str(row["text"])) for row in rows), default=0)
    y: Spec = {
        "field": "name",
        "type": "nominal",
        "sort": [row["name"] for row in rows],
        "scale": {"paddingInner": 0.34, "paddingOuter": 0.2},
        "axis": {"title": None, "grid": False, "labelLimit": 160, "labelColor": colours.text},
    }
    tone = {
        "condition": [
            {"test": "datum.tone == 'good'", "value": colours.good},
            {"test": "datum.tone == 'bad'", "value": colours.bad},
        ],
        "value": colours.quiet,
    }
    shade = {"condition": {"test": "datum.is_published", "value": colours.accent}, "value": colours.grey_soft}
    text: Spec = {"type": "text", "align": "right"}
    body: Spec = {
        "encoding": {"y": y, "tooltip": [{"field": field, "title": title} for field, title in tips]},
        "layer": [
            {
                "mark": {"type": "bar", "cornerRadius": 2},
                "encoding": {
                    "x": {
                        "field": "wape",
                        "type": "quantitative",
                        "axis": None,
                        "scale": {"domain": [0, top], "range": [0, {"expr": f"width - {columns}"}], "nice": False},
                    },
                    "color": shade,
                },
            },
            {
                "mark": {**text, "dx": -column, "color": colours.text},
                "encoding": {"x": {"value": "width"}, "text": {"field": "text"}},
            },
            {"mark": text, "encoding": {"x": {"value": "width"}, "text": {"field": "added"}, "color": tone}},
        ],
    }
    return chart(colours, body, rows, height=max(1, len(rows)) * _ROW_PX)


def errors(colours: Colours, rows: Sequence[Row], *, x: Spec, tips: Sequence[tuple[str, str]]) -> Spec:
    """The published error as a line in the accent over the naive one in grey.

    Rows: at (a number or a date), wape, naive and the tips.
    """
    y: Spec = {
        "type": "quantitative",
        "scale": {"zero": True},
        "axis": {"title": None, "format": ".0%", "tickCount": 4, "grid": True},
    }
    layers: list[Spec] = [
        {
            "mark": {"type": "line", "color": colours.grey, "strokeWidth": 1.6},
            "encoding": {"y": {"field": "naive", **y}},
        },
        {
            "mark": {"type": "line", "color": colours.accent, "strokeWidth": 2.2},
            "encoding": {"y": {"field": "wape", **y}},
        },
        {
            "mark": {"type": "point", "filled": True, "color": colours.accent, "size": 34, "opacity": 1},
            "encoding": {
                "y": {"field": "wape", **y},
                "tooltip": [{"field": field, "title": title} for field, title in tips],
            },
        },
    ]
    return chart(colours, {"encoding": {"x": x}, "layer": layers}, rows, height=150)


def _width(text: str) -> int:
    """About how many pixels a short text takes; a Chinese letter is twice as wide."""
    return sum(_WIDE_PX if ord(mark) > 0x2E80 else _LETTER_PX for mark in text)
