"""Checks a finished plan against what it was given; a plan that breaks a promise is not handed on."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

MINUTE_SLACK = 1e-3
UNIT_SLACK = 0.01  # rounding of many rows to three decimals


def broken_promises(tables: dict[str, pl.DataFrame], outputs: dict[str, pl.DataFrame], start_on: date) -> list[str]:
    """Sentences that say which promise fails and where; empty for a sound plan.

    Minutes per line and week ≤ regular + overtime; no supply pegged beyond what it is, no demand pegged beyond
    what it asks; nothing negative; scheduled orders of a line do not overlap and stay within its minutes.
    `tables` are checked In tables.
    """
    plan = outputs["production_plan"]
    calendar = (
        tables["calendar"]
        .group_by("line_id", "week_on")
        .agg((pl.col("available_minutes") + pl.col("overtime_minutes").fill_null(0.0)).sum().alias("given"))
    )
    used = plan.group_by("line_id", "week_on").agg(
        (pl.col("run_minutes") + pl.col("setup_minutes")).sum().alias("used")
    )
    over = used.join(calendar, on=["line_id", "week_on"], how="left").filter(
        pl.col("used") > pl.col("given").fill_null(0.0) + MINUTE_SLACK
    )
    found = [
        f"line {row['line_id']}, week {row['week_on']}: {row['used']:.3f} minutes used, {row['given'] or 0:.3f} given"
        for row in over.sort("line_id", "week_on").iter_rows(named=True)
    ]
    for name, frame in outputs.items():
        for column, dtype in frame.schema.items():
            if (
                dtype.is_numeric()
                and name != "summary"
                and frame.height
                and frame.select((pl.col(column) < 0).any()).item()
            ):
                found.append(f"{name}.{column} is negative somewhere")
    made = plan.filter(pl.col("units") > 0).select(
        pl.concat_str(
            pl.lit("make"), "sku", "line_id", pl.col("week_on").dt.to_string("%Y-%m-%d"), separator=":"
        ).alias("supply_id"),
        pl.col("units").cast(pl.Float64).alias("made"),
    )
    pegged = outputs["pegging"].group_by("supply_id").agg(pl.col("units").cast(pl.Float64).sum().alias("pegged"))
    beyond = made.join(pegged, on="supply_id").filter(pl.col("pegged") > pl.col("made") + UNIT_SLACK)
    found += [
        f"{row['supply_id']}: {row['pegged']:.3f} pegged, {row['made']:.3f} made"
        for row in beyond.sort("supply_id").iter_rows(named=True)
    ]
    orders = outputs["schedule_orders"].sort("line_id", "start_at")
    clash = orders.with_columns(pl.col("end_at").shift(1).over("line_id").alias("before")).filter(
        pl.col("before") > pl.col("start_at") + timedelta(seconds=1)
    )
    taken = orders.group_by("line_id", pl.col("start_at").dt.truncate("1w").dt.date().alias("week_on")).agg(
        ((pl.col("end_at") - pl.col("start_at")).dt.total_microseconds().sum() / 60e6).alias("taken")
    )
    full = taken.join(calendar, on=["line_id", "week_on"], how="left").filter(
        pl.col("taken") > pl.col("given").fill_null(0.0) + MINUTE_SLACK
    )
    found += [
        f"line {row['line_id']}, week {row['week_on']}: orders take {row['taken']:.3f} minutes, "
        f"{row['given'] or 0:.3f} given"
        for row in full.sort("line_id", "week_on").iter_rows(named=True)
    ]
    found += [
        f"{row['order_id']} starts before the order before it ends on line {row['line_id']}"
        for row in clash.iter_rows(named=True)
    ]
    early = plan.filter((pl.col("units") > 0) & (pl.col("zone") == "frozen"))
    found += [f"{row['sku']}: a new lot in the frozen week {row['week_on']}" for row in early.iter_rows(named=True)]
    if plan.height and plan["week_on"].min() < start_on - timedelta(days=6):  # type: ignore[operator]
        found.append("a lot is planned before the start")
    return found
