"""The chart of how old stock is: one bar per kind of place, parted by the life that is left."""

from __future__ import annotations

from collections.abc import Sequence

from apps.components.charts import Row, Spec, chart, number_axis
from apps.components.theme import Colours


def ages(colours: Colours) -> tuple[str, str, str, str, str]:
    """The colours from fresh to expired, and of what says nothing of its age."""
    return colours.good, colours.accent, colours.warn, colours.bad, colours.grey_soft


def aged(colours: Colours, language: str, rows: Sequence[Row], *, tips: Sequence[tuple[str, str]]) -> Spec:
    """Units by place, stacked from fresh to expired; rows: place, rank, units, colour and the tips."""
    body: Spec = {
        "mark": {"type": "bar", "cornerRadius": 1},
        "encoding": {
            "x": {
                "field": "place",
                "type": "nominal",
                "axis": {"title": None, "labelAngle": 0, "grid": False, "labelColor": colours.text},
                "scale": {"paddingInner": 0.45, "paddingOuter": 0.3},
            },
            "y": {
                "field": "units",
                "type": "quantitative",
                "stack": "zero",
                "axis": number_axis(language),
            },
            "color": {"field": "colour", "type": "nominal", "scale": None},
            "order": {"field": "rank", "type": "quantitative"},
            "tooltip": [{"field": field, "type": "nominal", "title": title} for field, title in tips],
        },
    }
    return chart(colours, body, rows, height=270)
