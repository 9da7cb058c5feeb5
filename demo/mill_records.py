"""What the mill writes down of its work: orders, results, calendars, in the shape the ERP and the MES export."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from demo import days, draws, factory, goods


def _utc(day: pl.Expr, minutes: pl.Expr | int) -> pl.Expr:
    return days.to_utc(days.local_at(day, minutes))


def _friday_before(week: pl.Expr, weeks: int = 1) -> pl.Expr:
    """Friday 16:00 of the week `weeks` before."""
    return _utc((week - weeks) * 7 + 4, 16 * 60)


def named(orders: pl.DataFrame) -> pl.DataFrame:
    """Orders with work_order, order and lot numbers."""
    label = (
        days.on_day(pl.col("week") * 7).dt.strftime("%G%V")
        + pl.lit("-")
        + pl.col("line_id")
        + pl.col("sequence").cast(pl.String).str.zfill(3)
    )
    return orders.with_columns(
        work_order=pl.lit("WO") + label,
        order=pl.lit("PO") + label,
        lot=pl.lit("L") + label,
    )


def results(orders: pl.DataFrame, pieces: pl.DataFrame, seed: int) -> pl.DataFrame:
    """mes.results with product_id, lot, day and the unrounded minutes: what each shift made of each work order.

    Good units of an order add up to what was ordered; scrap and rework come on top.
    """
    made = pieces.join(
        orders.select(
            "order_row",
            "work_order",
            "lot",
            "product_id",
            "sku",
            "line_id",
            "units",
            "stop",
            "setup",
            "week",
            total="minutes",
        ),
        on="order_row",
        maintain_order="left",
    )
    count = pl.col("units") * pl.col("done")
    upto = pl.when(pl.col("done") > 1 - 1e-9).then(pl.col("units")).otherwise((count + 1e-9).floor().cast(pl.Int64))
    made = made.with_columns(upto=upto, part=pl.int_range(1, pl.len() + 1).over("order_row")).with_columns(
        good=pl.col("upto") - pl.col("upto").shift(1).over("order_row").fill_null(0)
    )
    loss = draws.column(seed, "scrap", made["product_id"], made["week"], made["part"])
    again = draws.column(seed, "rework", made["product_id"], made["week"], made["part"])
    return made.with_columns(
        scrap=(pl.col("good") * 0.04 * loss + loss * 0.6).floor().cast(pl.Int64),
        rework=(pl.col("good") * 0.02 * again + again * 0.55).floor().cast(pl.Int64),
        scrap_reason=draws.pick(
            seed, "scrap reason", factory.SCRAP_REASONS, made["product_id"], made["week"], made["part"]
        ),
        stop_minutes=(pl.col("stop") * pl.col("minutes") / pl.col("total")).round(1),
        setup_part=(pl.col("setup") * pl.col("minutes") / pl.col("total")).round(1),
        started_at=days.local_at(pl.col("day"), pl.col("from_minute")),
        ended_at=days.local_at(pl.col("day"), pl.col("to_minute")),
    ).with_columns(
        result=pl.col("work_order") + pl.lit("-") + pl.col("part").cast(pl.String),
        scrap_reason=pl.when(pl.col("scrap") > 0).then("scrap_reason"),
        known_at=days.to_utc(pl.col("ended_at")),
    )


def result_export(made: pl.DataFrame) -> pl.DataFrame:
    """mes.results as exported; times are the mill's wall clock."""
    return made.select(
        result_no="result",
        work_order="work_order",
        line="line_id",
        shift="shift_id",
        material="sku",
        batch="lot",
        good_qty="good",
        scrap_qty="scrap",
        rework_qty="rework",
        scrap_reason="scrap_reason",
        stop_minutes="stop_minutes",
        setup_minutes="setup_part",
        started_at="started_at",
        ended_at="ended_at",
        known_at="known_at",
    ).sort("known_at", "result_no")


def work_order_export(orders: pl.DataFrame, made: pl.DataFrame) -> pl.DataFrame:
    """mes.work_orders: released on the Friday before their week, completed with their last result."""
    ended = made.group_by("order_row").agg(started_at=pl.col("started_at").min(), ended_at=pl.col("ended_at").max())
    table = orders.join(ended, on="order_row").select(
        work_order="work_order",
        production_order="order",
        material="sku",
        plant=pl.lit(factory.PLANT),
        line="line_id",
        planned_qty="units",
        planned_start="started_at",
        planned_end="ended_at",
        week="week",
    )
    released = table.with_columns(state=pl.lit("released"), changed_at=_friday_before(pl.col("week")))
    completed = table.with_columns(state=pl.lit("completed"), changed_at=days.to_utc(pl.col("planned_end")))
    return (
        pl.concat([released, completed])
        .with_columns(
            known_at=pl.col("changed_at"),
            changed_at=pl.col("changed_at").dt.convert_time_zone(days.ZONE).dt.replace_time_zone(None),
        )
        .drop("week")
        .sort("known_at", "work_order")
    )


def production_order_export(orders: pl.DataFrame, made: pl.DataFrame) -> pl.DataFrame:
    """erp.production_orders: planned two weeks ahead, released on the Friday before, completed with the work order; due
    on the Saturday of their week."""
    ended = made.group_by("order_row").agg(pl.col("known_at").max())
    table = orders.join(ended, on="order_row").select(
        "week",
        "known_at",
        order_no="order",
        material="sku",
        plant=pl.lit(factory.PLANT),
        qty="units",
        due_on=days.on_day(pl.col("week") * 7 + 5),
    )
    states = [
        table.with_columns(state=pl.lit("planned"), changed_at=_friday_before(pl.col("week"), 2)),
        table.with_columns(state=pl.lit("released"), changed_at=_friday_before(pl.col("week"))),
        table.with_columns(state=pl.lit("completed"), changed_at=pl.col("known_at")),
    ]
    return pl.concat(states).drop("week").with_columns(known_at=pl.col("changed_at")).sort("known_at", "order_no")


def routing_export(routes: pl.DataFrame) -> pl.DataFrame:
    """mes.routings: each SKU runs on one line."""
    return routes.select(
        material="sku",
        line="line_id",
        units_per_hour="units_per_hour",
        ideal_units_per_hour="ideal_units_per_hour",
        setup_minutes=pl.lit(factory.SETUP_MINUTES),
        setup_family="family",
        min_run=pl.lit(1),
        known_at=pl.lit(goods.MASTER_AT).cast(pl.Datetime("us", "UTC")),
    ).sort("material")


def changeover_export(routes: pl.DataFrame) -> pl.DataFrame:
    """mes.changeovers: minutes between any two families of a line, nothing within one."""
    pairs = routes.select("line_id", "family").unique().sort("line_id", "family")
    return pairs.join(pairs, on="line_id", suffix="_to", maintain_order="left").select(
        line="line_id",
        from_family="family",
        to_family="family_to",
        minutes=pl.when(pl.col("family") == pl.col("family_to"))
        .then(0.0)
        .otherwise(pl.col("line_id").replace_strict(factory.FAMILY_CHANGE_MINUTES, return_dtype=pl.Float64)),
        known_at=pl.lit(goods.MASTER_AT).cast(pl.Datetime("us", "UTC")),
    )


def calendar_export(calendar: pl.DataFrame) -> pl.DataFrame:
    """mes.calendars: each shift with its minutes, known ten weeks before its Monday."""
    first = pl.lit(datetime(2016, 11, 1, 12, tzinfo=UTC)).cast(pl.Datetime("us", "UTC"))
    return calendar.select(
        line="line_id",
        starts_at=days.local_at(pl.col("day"), pl.col("start")),
        ends_at=days.local_at(pl.col("day"), pl.col("start") + factory.SHIFT_MINUTES),
        available_minutes="available",
        reason="reason",
        known_at=pl.max_horizontal(_utc(pl.col("week") * 7 - factory.KNOWN_AHEAD_DAYS, 12 * 60), first),
    ).sort("known_at", "line", "starts_at")


def shift_counts(made: pl.DataFrame, calendar: pl.DataFrame) -> pl.DataFrame:
    """The truth of every shift with minutes: line_id, shift_id, started_at, ended_at (UTC), available, good, scrap."""
    counted = made.group_by("shift_id").agg(pl.col("good").sum(), pl.col("scrap").sum())
    return (
        calendar.filter((pl.col("available") > 0) & (pl.col("week") < days.WEEKS))
        .join(counted, on="shift_id", how="left", maintain_order="left")
        .select(
            "line_id",
            "shift_id",
            "available",
            started_at=_utc(pl.col("day"), pl.col("start")),
            ended_at=_utc(pl.col("day"), pl.col("start") + factory.SHIFT_MINUTES),
            good=pl.col("good").fill_null(0),
            scrap=pl.col("scrap").fill_null(0),
        )
    )
