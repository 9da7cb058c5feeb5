"""What the plan is made from: demand from its first week on, as far as forecast and calendars reach."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl


def from_start(demand: pl.DataFrame, today: date, start_on: date) -> pl.DataFrame:
    """Demand of the weeks from `start_on` on, with what is still to come of the running week in the first.

    Stock is what there is today: what is sold before the plan begins is no longer there when it does.
    """
    keys = ["sku", "location_id", "channel_id"]
    left = (start_on - today).days / 7
    running = demand.filter(pl.col("week_on") == start_on - timedelta(weeks=1))
    first = pl.when(pl.col("week_on") == start_on).then(pl.col("left").fill_null(0.0)).otherwise(0.0)
    return (
        demand.filter(pl.col("week_on") >= start_on)
        .join(running.select(*keys, left=pl.col("mean") * left), on=keys, how="left", maintain_order="left")
        .with_columns(pl.col("mean", "q50", "q90") + first)
        .drop("left")
    )


def weeks_known(demand: pl.DataFrame, calendar: pl.DataFrame, start_on: date) -> int:
    """Weeks in a row from `start_on` that the forecast and the calendar of every line cover."""
    reach = [demand["week_on"].max(), *calendar.group_by("line_id").agg(pl.col("week_on").max())["week_on"]]
    return (min(week for week in reach if isinstance(week, date)) - start_on).days // 7 + 1
