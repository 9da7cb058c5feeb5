"""Keeping the near plan still: zones by item, and how much a plan moved against the one before."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl


def zone(week_on: date, start_on: date, frozen_days: float, slushy_days: float) -> str:
    """`frozen` for a week that begins within `frozen_days` of the start, `slushy` within the days after, else `free`.

    A frozen week takes no new lot; a slushy one may change, which its reader should be told.
    """
    if week_on < start_on + timedelta(days=frozen_days):
        return "frozen"
    return "slushy" if week_on < start_on + timedelta(days=frozen_days + slushy_days) else "free"


def nervousness(plan: pl.DataFrame, previous: pl.DataFrame) -> float:
    """Σ|units now − units before| ÷ Σ units before over the weeks both plans reach (rate; 0 without an earlier plan).

    Both: sku, line_id, week_on, units. A plan reaches from the first week of its rows to the last.
    """
    keys = ["sku", "line_id", "week_on"]
    if plan.is_empty() or previous.is_empty():
        return 0.0
    is_shared = pl.all_horizontal(
        pl.col("week_on").is_between(weeks.min(), weeks.max()) for weeks in (plan["week_on"], previous["week_on"])
    )
    now, before = (
        one.filter(is_shared).select(*keys, pl.col("units").cast(pl.Float64).alias(name))
        for one, name in ((plan, "now"), (previous, "before"))
    )
    total = float(before["before"].sum())
    if total <= 0:
        return 0.0
    both = now.join(before, on=keys, how="full", coalesce=True).fill_null(0.0)
    return float(both.select((pl.col("now") - pl.col("before")).abs().sum()).item()) / total
