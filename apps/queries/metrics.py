"""What the published figures are called, mean and look like, out of `mart_metric`: defined once, beside the marts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from apps.queries.warehouse import Warehouse

_METRICS = "select metric, label, label_zh, meaning, meaning_zh, format, digits from mart_metric"


@dataclass(frozen=True)
class Metric:
    """A figure's name and meaning in the reader's language, and how it is written.

    `format`: money, percent, number, score, days, hours or minutes; without `digits` a large number is shortened.
    """

    name: str
    meaning: str = ""
    format: str = "number"
    digits: int | None = None


def defined(warehouse: Warehouse, language: str) -> Mapping[str, Metric]:
    """The metrics by their ids; none in a version that was published before they were defined."""
    if not warehouse.has("mart_metric"):
        return {}
    of = "_zh" if language == "zh" else ""
    return {
        row["metric"]: Metric(row[f"label{of}"], row[f"meaning{of}"], row["format"], row["digits"])
        for row in warehouse.rows(_METRICS).iter_rows(named=True)
    }
