"""Changes one may make to the demo's world, to see whether verdicts, plan and sales follow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict

from demo import days, package


class _Edit(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DeletePlacement(_Edit):
    """A SKU's displays and mailers are taken back: of one week (its Monday) or all, in one store or all."""

    kind: Literal["delete_placement"] = "delete_placement"
    sku: str
    week_on: date | None = None
    store_id: str | None = None


class StopLine(_Edit):
    """A line stands still for a week (its Monday): no minutes in its calendar, nothing made."""

    kind: Literal["stop_line"] = "stop_line"
    line_id: str
    week_on: date


class DoublePrice(_Edit):
    """From a day on, every sale of a SKU costs twice as much."""

    kind: Literal["double_price"] = "double_price"
    sku: str
    from_on: date


Change = DeletePlacement | StopLine | DoublePrice


def edit_receipts(
    lines: pl.DataFrame, changes: Sequence[Change], amounts: Sequence[str] = package.AMOUNTS
) -> pl.DataFrame:
    """The lines after every DoublePrice: the amounts of the SKU's lines since its day are doubled."""
    for edit in changes:
        if isinstance(edit, DoublePrice):
            hit = (pl.col("product_id") == int(edit.sku)) & (days.on_day(pl.col("day")) >= pl.lit(edit.from_on))
            factor = pl.when(hit).then(2).otherwise(1)
            lines = lines.with_columns((pl.col(name) * factor).cast(lines.schema[name]) for name in amounts)
    return lines


def edit_placements(rows: pl.DataFrame, changes: Sequence[Change]) -> pl.DataFrame:
    """The placements after every DeletePlacement; reads product_id, store_id, week (1..53)."""
    for edit in changes:
        if isinstance(edit, DeletePlacement):
            hit = pl.col("product_id") == int(edit.sku)
            if edit.week_on is not None:
                hit &= pl.col("week") == (edit.week_on - days.DAY_ZERO).days // 7 + 1
            if edit.store_id is not None:
                hit &= pl.col("store_id") == int(edit.store_id)
            rows = rows.filter(~hit)
    return rows


def stopped_weeks(changes: Sequence[Change]) -> set[tuple[str, int]]:
    """The (line_id, week number from 0) that stand still."""
    return {(edit.line_id, (edit.week_on - days.DAY_ZERO).days // 7) for edit in changes if isinstance(edit, StopLine)}
