"""The door for anybody's file: one effect per panel, as a frame."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import polars as pl

from promotions.effect import NOT_MEASURABLE, Effect, Moment, effect
from tillmill.errors import UsageError

FIGURES = (
    "att",
    "incremental",
    "lift",
    "low",
    "high",
    "p_placebo",
    "pre_fit_error",
    "minimum_detectable_lift",
)


def measure_panel(
    panel: pl.DataFrame,
    *,
    unit: str,
    time: str,
    value: str,
    treated: str | list[str],
    start: Moment,
    end: Moment,
    post_days: int = 0,
    confidence: float = 0.9,
    panel_column: str | None = None,
) -> pl.DataFrame:
    """Return one row per panel: its name, the figures of `Effect`, weights as a list of (unit, weight), verdict, why.

    `panel`: as `promotions.effect.effect` takes it; with `panel_column`, many panels one below the other, told apart by
    that column. `treated`: names of units, as a list or divided by commas. Raises UsageError as `effect` does; a panel
    in which a treated unit does not stand is not measurable, and the others go on.
    """
    names = [name.strip() for name in treated.split(",")] if isinstance(treated, str) else treated
    if panel_column is None:
        found = effect(panel, unit, time, value, names, start, end, post_days, confidence)
        return _frame([{"panel": "-"} | _row(found)])
    if panel_column not in panel.columns:
        raise UsageError(f"column {panel_column} is missing; there are {', '.join(panel.columns)}")
    rows: list[dict[str, Any]] = []
    for (name,), part in sorted(panel.group_by(panel_column, maintain_order=True), key=lambda item: str(item[0][0])):
        absent = [one for one in names if one not in set(part[unit].cast(pl.String))] if unit in part.columns else []
        if absent:
            found = Effect(NOT_MEASURABLE, f"treated unit not in this panel: {', '.join(absent)}")
        else:
            found = effect(part, unit, time, value, names, start, end, post_days, confidence)
        rows.append({"panel": str(name)} | _row(found))
    return _frame(rows)


def as_json(found: Effect) -> dict[str, Any]:
    """Return an effect as one JSON object."""
    return asdict(found)


def _row(found: Effect) -> dict[str, Any]:
    row = {name: value for name, value in asdict(found).items() if name != "gaps"}
    return row | {"weights": [{"unit": name, "weight": weight} for name, weight in found.weights.items()]}


def _frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    schema: dict[str, pl.DataType] = {"panel": pl.String()}
    schema |= {name: pl.Float64() for name in FIGURES}
    schema |= {
        "weights": pl.List(pl.Struct({"unit": pl.String(), "weight": pl.Float64()})),
        "verdict": pl.String(),
        "why": pl.String(),
    }
    return pl.DataFrame(rows, schema=schema)
