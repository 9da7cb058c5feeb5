"""Stock by lot in the mill and its warehouse: what came in, which lot left to whom, what weekly counts found.

Oldest lot first, everywhere. Opening + in − out + adjustment = closing holds for every location, SKU and lot.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from demo import days, draws, factory, goods, stock

DC = "DC"
LOST_SHARE, FOUND_SHARE = 0.004, 0.0015  # of fast SKU × Monday counts that miss a unit, or find one
BOOKED = ["location", "product_id", "lot", "kind", "units", "ref_kind", "ref", "to_location", "day", "minute"]


@dataclass(frozen=True)
class Flows:
    """Bookings (columns `BOOKED`; units are positive, but a count's, which are signed) and lots."""

    bookings: pl.DataFrame
    lots: pl.DataFrame  # product_id, lot, produced_day, opening (units in DC at the start)


def leaving(
    shelves: stock.StoreStock, others: pl.DataFrame, web: pl.DataFrame, goods_table: pl.DataFrame, seed: int
) -> pl.DataFrame:
    """What leaves DC, before lots are known: product_id, day, minute, units, kind, ref_kind, ref, to_location.

    `web`: product_id, day, units, number of the orders. Shops are served the day after the order.
    """
    deliveries = pl.concat([shelves.deliveries, others]).select(
        "product_id",
        "day",
        minute=pl.lit(360),
        units=pl.col("units").cast(pl.Int64),
        kind=pl.lit("delivery"),
        ref_kind=pl.lit("delivery"),
        ref=pl.format("DL{}-{}", days.on_day(pl.col("day")).dt.strftime("%Y%m%d"), "store_id"),
        to_location=pl.col("store_id").cast(pl.String),
    )
    shipments = web.filter(pl.col("units") > 0).select(
        "product_id",
        pl.col("day") + 1,
        minute=pl.lit(600),
        units=pl.col("units").cast(pl.Int64),
        kind=pl.lit("shipment"),
        ref_kind=pl.lit("order"),
        ref="number",
        to_location=pl.lit(None, pl.String),
    )
    lost = _counted(goods_table, seed, "lost in DC", LOST_SHARE).select(
        "product_id",
        "day",
        minute=pl.lit(1365),
        units=pl.lit(1, pl.Int64),
        kind=pl.lit("count"),
        ref_kind=pl.lit("count"),
        ref=pl.lit("CT") + days.on_day(pl.col("day")).dt.strftime("%Y%m%d"),
        to_location=pl.lit(None, pl.String),
    )
    return pl.concat([deliveries, shipments, lost]).sort("day", "minute", "product_id", "ref")


def _counted(goods_table: pl.DataFrame, seed: int, purpose: str, share: float) -> pl.DataFrame:
    """The fast SKU × Monday counts that differ from the books: product_id, day."""
    mondays = pl.DataFrame({"day": pl.int_range(14, days.DAYS, 7, dtype=pl.Int32, eager=True)})
    cells = goods_table.filter(pl.col("rate") >= 8).select("product_id").join(mondays, how="cross")
    return cells.filter(draws.column(seed, purpose, cells["product_id"], cells["day"]) < share)


def flows(
    out: pl.DataFrame,
    opening: pl.DataFrame,
    made: pl.DataFrame,
    bought_in: pl.DataFrame,
    goods_table: pl.DataFrame,
    seed: int,
) -> Flows:
    """Every booking of PLANT and DC but the components'.

    `out` is `leaving`; `opening`: product_id, units; `made`: results with product_id, lot, good, work_order, day and
    to_minute; `bought_in`: product_id, week, units.
    """
    made = made.filter(pl.col("good") > 0)
    receipts = made.select(
        "product_id",
        "lot",
        "day",
        location=pl.lit(factory.PLANT),
        kind=pl.lit("receipt"),
        units="good",
        ref_kind=pl.lit("work_order"),
        ref="work_order",
        to_location=pl.lit(None, pl.String),
        minute=pl.col("to_minute"),
    )
    carried = made.group_by("product_id", "lot", day=pl.col("day") + 1).agg(units=pl.col("good").sum())
    transfers = carried.with_columns(
        location=pl.lit(factory.PLANT),
        kind=pl.lit("transfer"),
        ref_kind=pl.lit("transfer"),
        ref=pl.lit("TR") + days.on_day(pl.col("day")).dt.strftime("%Y%m%d"),
        to_location=pl.lit(DC),
        minute=pl.lit(300.0),
    )
    bought = bought_in.select(
        "product_id",
        lot=pl.lit("B") + days.on_day(pl.col("week") * 7).dt.strftime("%G%V"),
        day=pl.col("week") * 7 + 5,
        location=pl.lit(DC),
        kind=pl.lit("receipt"),
        units=pl.col("units").cast(pl.Int64),
        ref_kind=pl.lit("order"),
        ref=pl.lit("BUY") + days.on_day(pl.col("week") * 7).dt.strftime("%G%V"),
        to_location=pl.lit(None, pl.String),
        minute=pl.lit(840.0),
    )
    arriving = pl.concat(
        [
            opening.select("product_id", lot=pl.lit("L201651-0"), day=pl.lit(0, pl.Int32), units="units"),
            carried.select("product_id", "lot", "day", "units"),
            bought.select("product_id", "lot", "day", "units"),
        ]
    ).sort("day", "product_id", "lot")
    found = (
        _counted(goods_table, seed, "found in DC", FOUND_SHARE)
        .sort("day")
        .join_asof(arriving.select("product_id", "lot", "day"), on="day", by="product_id", check_sortedness=False)
        .drop_nulls("lot")
        .select(
            "product_id",
            "lot",
            "day",
            location=pl.lit(DC),
            kind=pl.lit("count"),
            units=pl.lit(1, pl.Int64),
            ref_kind=pl.lit("count"),
            ref=pl.lit("CT") + days.on_day(pl.col("day")).dt.strftime("%Y%m%d"),
            to_location=pl.lit(None, pl.String),
            minute=pl.lit(1365.0),
        )
    )
    supply = (
        pl.concat([arriving, found.select("product_id", "lot", "day", "units")])
        .sort("day", maintain_order=True)
        .with_row_index("right_row")
    )
    demand = out.with_row_index("left_row")
    matched = draws.in_order(
        demand.select("product_id", "left_row", "units"),
        supply.select("product_id", "right_row", "units"),
        ["product_id"],
        "units",
    ).drop_nulls(["left_row", "right_row"])
    left = (
        matched.select("left_row", "right_row", "units")
        .join(demand.drop("units"), on="left_row")
        .join(supply.select("right_row", "lot"), on="right_row")
        .group_by("left_row", "lot", "product_id", "day", "minute", "kind", "ref_kind", "ref", "to_location")
        .agg(pl.col("units").sum())
        .with_columns(
            location=pl.lit(DC),
            minute=pl.col("minute").cast(pl.Float64),
            units=pl.when(pl.col("kind") == "count").then(-pl.col("units")).otherwise("units"),
        )
    )
    bookings = pl.concat([frame.select(BOOKED) for frame in (receipts, transfers, bought, found, left)])
    produced = pl.concat(
        [
            opening.select("product_id", "units", lot=pl.lit("L201651-0"), produced_day=pl.lit(-3, pl.Int32)),
            made.group_by("product_id", "lot").agg(produced_day=pl.col("day").max(), units=pl.lit(0, pl.Int64)),
            bought.group_by("product_id", "lot").agg(produced_day=pl.col("day").max() - 2, units=pl.lit(0, pl.Int64)),
        ],
        how="diagonal",
    )
    return Flows(bookings=bookings, lots=produced.rename({"units": "opening"}))


def booked_by_location(bookings: pl.DataFrame) -> pl.DataFrame:
    """Signed units per location: location, product_id, lot, day, units. Stores keep no lots (lot `-`)."""
    signed = (
        pl.when(pl.col("kind").is_in(["transfer", "delivery", "shipment", "issue"]))
        .then(-pl.col("units"))
        .otherwise(pl.col("units"))
    )
    across = bookings.filter(pl.col("to_location").is_not_null())
    return pl.concat(
        [
            bookings.select("location", "product_id", "lot", "day", units=signed),
            across.select(
                "product_id",
                "day",
                "units",
                location="to_location",
                lot=pl.when(pl.col("kind") == "delivery").then(pl.lit("-")).otherwise("lot"),
            ).select("location", "product_id", "lot", "day", "units"),
        ]
    )


def monday_counts(kept: Flows) -> pl.DataFrame:
    """What PLANT and DC hold of each lot at the close of each Monday, until the lot is used up: location, product_id,
    lot, day, units (> 0)."""
    opening = kept.lots.filter(pl.col("opening") > 0).select(
        "product_id", "lot", location=pl.lit(DC), day=pl.lit(0, pl.Int32), units="opening"
    )
    moved = booked_by_location(kept.bookings).filter(pl.col("location").is_in([DC, factory.PLANT]))
    key = ["location", "product_id", "lot"]
    daily = (
        pl.concat([opening.select(*key, "day", "units"), moved.select(*key, "day", "units")])
        .group_by(*key, "day")
        .agg(pl.col("units").sum())
    )
    running = daily.sort(*key, "day").with_columns(
        balance=pl.col("units").cum_sum().over(key), until=pl.col("day").shift(-1).over(key).fill_null(days.DAYS)
    )
    # A balance stands from its day to the eve of the lot's next booking: every Monday in between counts it.
    return (
        running.filter(pl.col("balance") > 0)
        .with_columns(monday=pl.int_ranges((pl.col("day") + 6) // 7, (pl.col("until") + 6) // 7))
        .explode("monday", empty_as_null=True)
        .drop_nulls("monday")
        .select(*key, day=(pl.col("monday") * 7).cast(pl.Int32), units="balance")
        .filter(pl.col("day") < days.DAYS)
        .sort("day", *key)
    )


def component_flows(made: pl.DataFrame, goods_table: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Raw materials and packaging at the mill: bookings (`BOOKED`, with `sku` for product_id) and Monday counts.

    Each Monday brings what the week's recipes will take; what is used is booked once a day.
    """
    need = goods.raw_per_unit()
    per_unit = pl.DataFrame(
        [(category, sku, quantity) for category, parts in need.items() for sku, quantity in parts.items()],
        schema=["product_category", "sku", "per_unit"],
        orient="row",
    )
    used = (
        made.join(goods_table.select("product_id", "product_category"), on="product_id")
        .group_by("product_category", "day")
        .agg(pl.col("good").sum() + pl.col("scrap").sum())
        .join(per_unit, on="product_category")
        .group_by("sku", "day")
        .agg(units=(pl.col("good") * pl.col("per_unit")).sum().round(3))
        .filter(pl.col("units") > 0)
    )
    weekly = used.group_by("sku", week=pl.col("day") // 7).agg(pl.col("units").sum().round(3))
    reserve = weekly.group_by("sku").agg(reserve=(pl.col("units").mean() * 0.15).round(3))
    common = {"location": pl.lit(factory.PLANT), "lot": pl.lit("-"), "to_location": pl.lit(None, pl.String)}
    received = weekly.filter(pl.col("week") > 0).select(
        "sku",
        "units",
        day=pl.col("week") * 7,
        kind=pl.lit("receipt"),
        ref_kind=pl.lit("order"),
        ref=pl.lit("RM") + days.on_day(pl.col("week") * 7).dt.strftime("%G%V"),
        minute=pl.lit(285.0),
        **common,
    )
    issued = used.select(
        "sku",
        "units",
        "day",
        kind=pl.lit("issue"),
        ref_kind=pl.lit("work_order"),
        ref=pl.lit("IS") + days.on_day(pl.col("day")).dt.strftime("%Y%m%d"),
        minute=pl.lit(1335.0),
        **common,
    )
    order = ["sku", *[name for name in BOOKED if name != "product_id"]]
    bookings = pl.concat([received.select(order), issued.select(order)])
    first = reserve.join(weekly.filter(pl.col("week") == 0).select("sku", first="units"), on="sku", how="left").select(
        "sku", day=pl.lit(0, pl.Int32), units=pl.col("reserve") + pl.col("first").fill_null(0.0)
    )
    signed = bookings.select(
        "sku", "day", units=pl.when(pl.col("kind") == "issue").then(-pl.col("units")).otherwise("units")
    )
    grid = reserve.select("sku").join(
        pl.DataFrame({"day": pl.int_range(0, days.DAYS, dtype=pl.Int32, eager=True)}), how="cross"
    )
    counts = (
        pl.concat([first, signed, grid.with_columns(units=pl.lit(0.0))])
        .group_by("sku", "day")
        .agg(pl.col("units").sum())
        .sort("sku", "day")
        .with_columns(units=pl.col("units").cum_sum().over("sku").round(3))
        .filter(pl.col("day") % 7 == 0)
    )
    return bookings, counts
