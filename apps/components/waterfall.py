"""A waterfall: from one sum to another, what is taken off in between hanging from what was left."""

from __future__ import annotations

from collections.abc import Sequence

from apps.components.charts import Row, Spec, chart
from apps.components.theme import Colours

_ROW_PX = 25


def waterfall(colours: Colours, rows: Sequence[Row], *, labels: tuple[str, str, str]) -> Spec:
    """Horizontal bars from top to bottom; sums in the accent (a loss in red), what is taken off in grey.

    Rows: name, start, end, is_sum, text, share (both as written), exact; `labels` name the tips: step, amount, share.
    """
    order = [row["name"] for row in rows]
    y = {
        "field": "name",
        "type": "nominal",
        "sort": order,
        "scale": {"paddingInner": 0.28, "paddingOuter": 0.15},
        "axis": {"title": None, "grid": False, "labelLimit": 190, "labelColor": colours.text},
    }
    low = min(0.0, *(min(row["start"], row["end"]) for row in rows)) if rows else 0.0
    high = max(1.0, *(max(row["start"], row["end"]) for row in rows)) if rows else 1.0
    # The written figures stand in a column of their own, right of the longest bar.
    domain = [low, high * 1.24]
    colour = {
        "condition": [
            {"test": "datum.is_sum && datum.end < 0", "value": colours.bad},
            {"test": "datum.is_sum", "value": colours.accent},
        ],
        "value": colours.grey,
    }
    tips = [{"field": field, "title": title} for field, title in zip(("name", "exact", "share"), labels, strict=True)]
    x = {
        "field": "start",
        "type": "quantitative",
        "scale": {"domain": domain, "nice": False},
        # Each bar has its figure beside it; an axis would say it twice.
        "axis": None,
    }
    text = {"type": "text", "align": "right", "color": colours.text}
    body: Spec = {
        "encoding": {"y": y, "tooltip": tips},
        "layer": [
            {
                "mark": {"type": "bar", "cornerRadius": 2},
                "encoding": {"x": x, "x2": {"field": "end"}, "color": colour},
            },
            {
                "mark": {"type": "rule", "color": colours.quiet, "strokeWidth": 1},
                "encoding": {"x": {"datum": 0}, "y": None, "tooltip": None},
            },
            {
                "mark": {**text, "dx": -62},
                "encoding": {"x": {"value": "width"}, "text": {"field": "text"}},
            },
            {
                "mark": {**text, "color": colours.quiet},
                "encoding": {"x": {"value": "width"}, "text": {"field": "share"}},
            },
        ],
    }
    return chart(colours, body, rows, height=max(1, len(rows)) * _ROW_PX)
