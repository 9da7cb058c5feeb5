"""The mill: three lines, their shifts and speeds, the weekly programme and how it fills the shifts.

All of it is made, so that each week's lots are what leaves the warehouse in the weeks they cover.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from demo import days, draws

LINES = ["L1", "L2", "L3"]
PLANT = "PLANT"
CALENDAR_WEEKS = days.WEEKS + 11  # calendars reach beyond the last receipt, as people plan ahead
KNOWN_AHEAD_DAYS = 70
TARGET_LOAD = 0.74  # share of a usual week's minutes that its programme needs
SETUP_MINUTES = 4.0
FAMILY_CHANGE_MINUTES = {"L1": 20.0, "L2": 30.0, "L3": 15.0}
SHIFTS = (("early", 6 * 60), ("late", 14 * 60))
SHIFT_MINUTES = 480
CLEANING_MINUTES = 30
HOLIDAYS = [
    date(2017, 1, 1),
    date(2017, 5, 29),
    date(2017, 7, 4),
    date(2017, 9, 4),
    date(2017, 11, 23),
    date(2017, 12, 25),
    date(2018, 1, 1),
]
SCRAP_REASONS = ["underfill", "seal", "temperature", "start-up", "label"]


@dataclass(frozen=True)
class Programme:
    """A year of the mill's work; frames with the columns the MES exports, plus what stock needs to know."""

    routings: pl.DataFrame
    changeovers: pl.DataFrame
    calendars: pl.DataFrame
    production_orders: pl.DataFrame
    work_orders: pl.DataFrame
    results: pl.DataFrame
    receipts: pl.DataFrame  # product_id, lot, units, day, minute, result: into PLANT
    bought_in: pl.DataFrame  # product_id, lot, units, day: what the lines had no minutes for, into DC


def families(goods: pl.DataFrame) -> pl.Expr:
    """The set-up family of a good: goods of one family follow each other without a change of the line."""
    kind, kind_of = pl.col("product_category"), pl.col("product_type").fill_null("")
    return (
        pl.when(kind == "FLUID MILK PRODUCTS")
        .then(pl.when(kind_of.str.contains("WHITE")).then(pl.lit("white milk")).otherwise(pl.lit("flavoured milk")))
        .when(kind == "MILK BY-PRODUCTS")
        .then(pl.lit("cultured"))
        .when(kind == "YOGURT")
        .then(pl.lit("yogurt"))
        .when(kind == "CHEESE")
        .then(pl.lit("cheese"))
        .when(kind == "BAKED BREAD/BUNS/ROLLS")
        .then(pl.when(kind_of.str.contains("BUN|ROLL|BAGEL|MUFFIN")).then(pl.lit("rolls")).otherwise(pl.lit("bread")))
        .otherwise(pl.lit("frozen"))
    )


def shifts(stopped: set[tuple[str, int]]) -> pl.DataFrame:
    """Every shift of every line, Monday to Saturday: line_id, week, day, shift_id, start (minutes after midnight),
    available (minutes), reason. Cleaning takes the last half hour, maintenance half of Wednesday's early shift."""
    table = (
        pl.DataFrame({"line_id": LINES})
        .join(pl.DataFrame({"day": pl.int_range(0, CALENDAR_WEEKS * 7, dtype=pl.Int32, eager=True)}), how="cross")
        .join(pl.DataFrame(SHIFTS, schema={"shift": pl.String, "start": pl.Int32}, orient="row"), how="cross")
        .with_columns(week=pl.col("day") // 7, weekday=pl.col("day") % 7, on=days.on_day(pl.col("day")))
        .filter(pl.col("weekday") < 6)
    )
    halts = [(pl.col("line_id") == line) & (pl.col("week") == week) for line, week in sorted(stopped)]
    halted = pl.any_horizontal(halts) if halts else pl.lit(False)
    return table.with_columns(
        available=pl.when(halted | pl.col("on").is_in(HOLIDAYS))
        .then(0)
        .when((pl.col("weekday") == 2) & (pl.col("shift") == "early"))
        .then(SHIFT_MINUTES // 2)
        .otherwise(SHIFT_MINUTES - CLEANING_MINUTES)
        .cast(pl.Float64),
        reason=pl.when(halted)
        .then(pl.lit("stopped"))
        .when(pl.col("on").is_in(HOLIDAYS))
        .then(pl.lit("holiday"))
        .when((pl.col("weekday") == 2) & (pl.col("shift") == "early"))
        .then(pl.lit("maintenance"))
        .otherwise(pl.lit("shift")),
        shift_id=pl.col("line_id") + pl.lit("-") + pl.col("on").dt.strftime("%Y%m%d") + pl.lit("-") + pl.col("shift"),
    ).sort("line_id", "day", "start")


def programme_of(leaving: pl.DataFrame, goods: pl.DataFrame, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What to make in which week, and what must lie in the warehouse at the start.

    `leaving`: product_id, day, units that leave DC. A lot made in one week covers the next `cover_weeks` of its SKU.
    Returns the lots (product_id, week, units) and the opening stock (product_id, units); fast SKUs open with a third of
    a week more, which then stays as their reserve.
    """
    first = 1 + (draws.column(seed, "first lot", goods["product_id"]) * goods["cover_weeks"]).cast(pl.Int32)
    by_week = (
        leaving.join(goods.select("product_id", "cover_weeks", "rate", first=first), on="product_id")
        .group_by("product_id", "cover_weeks", "rate", "first", week=pl.col("day") // 7)
        .agg(pl.col("units").sum())
    )
    made_in = pl.col("first") + (pl.col("week") - pl.col("first")) // pl.col("cover_weeks") * pl.col("cover_weeks") - 1
    blocks = by_week.with_columns(
        made=pl.when(pl.col("week") >= pl.col("first")).then(made_in).otherwise(-1).cast(pl.Int32)
    )
    lots = blocks.filter(pl.col("made") >= 0).group_by("product_id", week="made").agg(pl.col("units").sum())
    reserve = pl.when(pl.col("rate") >= 5).then((pl.col("rate") / 3).ceil().cast(pl.Int64)).otherwise(0)
    opening = (
        blocks.group_by("product_id", "rate")
        .agg(units=pl.col("units").filter(pl.col("made") < 0).sum())
        .select("product_id", units=pl.col("units") + reserve)
        .filter(pl.col("units") > 0)
    )
    return lots.sort("week", "product_id"), opening.sort("product_id")


def routings(lots: pl.DataFrame, goods: pl.DataFrame, calendar: pl.DataFrame) -> pl.DataFrame:
    """mes.routings with product_id and family: speeds such that a usual week's programme takes `TARGET_LOAD` of its
    line's minutes."""
    goods = goods.with_columns(family=families(goods))
    weekly = (
        lots.join(goods.select("product_id", "line_id", "speed", "family"), on="product_id")
        .group_by("line_id", "week")
        .agg(
            work=(pl.col("units") / pl.col("speed")).sum(),
            fixed=pl.len() * SETUP_MINUTES
            + pl.col("family").n_unique()
            * pl.col("line_id").first().replace_strict(FAMILY_CHANGE_MINUTES, return_dtype=pl.Float64),
        )
    )
    usual = (
        calendar.filter(pl.col("week") < days.WEEKS)
        .group_by("line_id", "week")
        .agg(pl.col("available").sum())
        .group_by("line_id")
        .agg(pl.col("available").median())
    )
    pace = (
        weekly.group_by("line_id")
        .agg(pl.col("work").mean(), pl.col("fixed").mean())
        .join(usual, on="line_id")
        .select("line_id", pace=(pl.col("available") * TARGET_LOAD - pl.col("fixed")).clip(600) / 1.06 / pl.col("work"))
    )
    return goods.join(pace, on="line_id").select(
        "product_id",
        "sku",
        "line_id",
        "family",
        units_per_hour=(60 * pl.col("speed") / pl.col("pace")).round(1).clip(0.1),
        ideal_units_per_hour=(66 * pl.col("speed") / pl.col("pace")).round(1).clip(0.1),
    )


def schedule(
    lots: pl.DataFrame, routes: pl.DataFrame, calendar: pl.DataFrame, seed: int
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Lays each week's lots on their lines, family by family, and spreads them over the week's minutes.

    Returns the work orders (product_id, week, units, line_id, family, and run, stop, setup in minutes), the pieces each
    shift makes of them (order_row, shift_id, day, from_minute and to_minute after midnight, done: share of the order
    made by the piece's end), and the lots for which the line had no minutes left (product_id, week, line_id, units).
    """
    orders = (
        lots.join(routes, on="product_id")
        .sort("line_id", "week", "family", "product_id")
        .with_columns(
            change=pl.col("family") != pl.col("family").shift(1).over("line_id", "week").fill_null("-"),
            sequence=pl.int_range(1, pl.len() + 1).over("line_id", "week"),
        )
    )
    slow = draws.column(seed, "stops", orders["product_id"], orders["week"])
    orders = orders.with_columns(
        setup=SETUP_MINUTES
        + pl.col("change") * pl.col("line_id").replace_strict(FAMILY_CHANGE_MINUTES, return_dtype=pl.Float64),
        run=pl.col("units") * 60 / pl.col("units_per_hour"),
    ).with_columns(stop=pl.col("run") * slow**2 * 0.18)
    orders = orders.with_columns(minutes=pl.col("setup") + pl.col("run") + pl.col("stop"))
    weeks = calendar.group_by("line_id", "week").agg(pl.col("available").sum())
    orders = orders.join(weeks, on=["line_id", "week"], maintain_order="left").with_columns(
        until=pl.col("minutes").cum_sum().over("line_id", "week")
    )
    fits = pl.col("until") <= pl.col("available")
    missed = orders.filter(~fits)
    orders = orders.filter(fits).with_columns(
        load=pl.col("minutes").sum().over("line_id", "week") / pl.col("available")
    )
    # Idle minutes are spread between the orders, so that every shift has work.
    begin = (pl.col("until") - pl.col("minutes")) / pl.col("load")
    orders = (
        orders.with_columns(begin=begin)
        .with_columns(
            finish=pl.col("begin") + pl.col("minutes"),
            idle=pl.col("begin").shift(-1).over("line_id", "week").fill_null(pl.col("available")),
        )
        .with_row_index("order_row")
    )
    spans = (
        pl.concat(
            [
                orders.select(
                    "line_id", "week", "order_row", place=pl.col("begin"), size=pl.col("minutes"), is_work=pl.lit(True)
                ),
                orders.select(
                    "line_id",
                    "week",
                    "order_row",
                    place=pl.col("finish"),
                    size=pl.col("idle") - pl.col("finish"),
                    is_work=pl.lit(False),
                ),
            ]
        )
        .sort("line_id", "week", "place")
        .with_row_index("left_row")
    )
    right = calendar.with_row_index("shift_row").select("line_id", "week", right_row="shift_row", size="available")
    pieces = draws.in_order(spans.select("line_id", "week", "left_row", "size"), right, ["line_id", "week"], "size")
    return orders, _pieces(pieces, spans, orders, calendar), missed.select("product_id", "week", "line_id", "units")


def _pieces(pieces: pl.DataFrame, spans: pl.DataFrame, orders: pl.DataFrame, calendar: pl.DataFrame) -> pl.DataFrame:
    """Pieces of work with their place in the shift and in the order."""
    before = calendar.with_row_index("shift_row").with_columns(
        shift_begin=pl.col("available").cum_sum().over("line_id", "week") - pl.col("available")
    )
    return (
        pieces.drop_nulls(["left_row", "right_row"])
        .filter(pl.col("size") > 1e-6)
        .join(spans.select("left_row", "order_row", "is_work"), on="left_row")
        .filter("is_work")
        .join(
            before.select("shift_row", "shift_begin", "shift_id", "day", "start"),
            left_on="right_row",
            right_on="shift_row",
        )
        .join(orders.select("order_row", "begin", "minutes"), on="order_row")
        .select(
            "order_row",
            "shift_id",
            "day",
            minutes="size",
            to_minute=pl.col("start") + pl.col("left_end") - pl.col("shift_begin"),
            done=((pl.col("left_end") - pl.col("begin")) / pl.col("minutes")).clip(0, 1),
        )
        .with_columns(from_minute=pl.col("to_minute") - pl.col("minutes"))
        .sort("order_row", "done")
    )
