"""Stores, warehouses and what stands in them, in the shape the till, trade and warehouse systems export."""

from __future__ import annotations

from datetime import date

import polars as pl

from demo import days, draws, factory, goods, lots

# Cities in the stores' one time zone; the package names no place.
CITIES = {
    "New York": "Northeast",
    "Buffalo": "Northeast",
    "Albany": "Northeast",
    "Boston": "Northeast",
    "Newark": "Mid-Atlantic",
    "Philadelphia": "Mid-Atlantic",
    "Baltimore": "Mid-Atlantic",
    "Richmond": "Mid-Atlantic",
    "Cincinnati": "Great Lakes",
    "Columbus": "Great Lakes",
    "Cleveland": "Great Lakes",
    "Detroit": "Great Lakes",
    "Charlotte": "Southeast",
    "Atlanta": "Southeast",
    "Raleigh": "Southeast",
}
FORMATS = ["supermarket", "supermarket", "supermarket", "neighbourhood", "hypermarket"]


def stores(selling: pl.Series, placed: pl.Series, seed: int) -> pl.DataFrame:
    """pos.stores: every store that sells or has placements; place and format are made."""
    ids = pl.concat([selling.cast(pl.Int64), placed.cast(pl.Int64)]).unique().sort().alias("store_id")
    city = draws.pick(seed, "store city", list(CITIES), ids)
    return pl.DataFrame({"STORE_ID": ids.cast(pl.String), "CITY": city}).with_columns(
        NAME=pl.lit(goods.BRAND + " partner store ") + pl.col("STORE_ID"),
        REGION=pl.col("CITY").replace_strict(CITIES, return_dtype=pl.String),
        FORMAT=draws.pick(seed, "store format", FORMATS, ids),
        OPENED_ON=pl.lit(date(2000, 1, 1))
        + pl.duration(days=pl.lit(draws.column(seed, "opened", ids) * 5_000).cast(pl.Int64)),
        TIME_ZONE=pl.lit(days.ZONE),
        CHANGED_AT=pl.lit(goods.MASTER_AT).cast(pl.Datetime("us", "UTC")),
        known_at=pl.lit(goods.MASTER_AT).cast(pl.Datetime("us", "UTC")),
    )


def locations(shops: pl.DataFrame) -> pl.DataFrame:
    """wms.locations: the mill, its warehouse (which also serves the web shops), and the stores."""
    own = pl.DataFrame(
        {"site": [factory.PLANT, lots.DC], "type": ["plant", "dc"], "region": ["Great Lakes", "Great Lakes"]}
    )
    table = pl.concat([own, shops.select(site="STORE_ID", type=pl.lit("store"), region="REGION")])
    return table.with_columns(
        plant=pl.when(pl.col("site") == factory.PLANT).then("site"),
        owner=pl.when(pl.col("type") == "store").then(pl.lit("sold")).otherwise(pl.lit("brand")),
        time_zone=pl.lit(days.ZONE),
        changed_at=pl.lit(goods.MASTER_AT).cast(pl.Datetime("us", "UTC")),
        known_at=pl.lit(goods.MASTER_AT).cast(pl.Datetime("us", "UTC")),
    )


def placements(rows: pl.DataFrame) -> pl.DataFrame:
    """trade.placements: the package's rows (in its order) under their weekly circular, known on the Thursday before.

    The package lists a few SKUs twice in one store and week; the second listing stands under a circular of its own
    (`-2`), so that no row is lost.
    """
    weeks = rows.select(pl.col("week").unique()).with_columns(
        AD=pl.lit("AD") + pl.col("week").cast(pl.String).str.zfill(2),
        WEEK_ON=days.on_day((pl.col("week") - 1) * 7),
        known_at=_thursday_before(pl.col("week")),
    )
    again = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in ("week", "product_id", "store_id"))
    return (
        rows.with_columns(again=again.fill_null(False))
        .join(weeks, on="week", maintain_order="left")
        .select(
            AD_NO=pl.when("again").then(pl.col("AD") + "-2").otherwise(pl.col("AD") + "-1"),
            PRODUCT_ID=pl.col("product_id").cast(pl.String),
            STORE_ID=pl.col("store_id").cast(pl.String),
            WEEK_ON="WEEK_ON",
            DISPLAY_LOCATION="display_location",
            MAILER_LOCATION="mailer_location",
            known_at="known_at",
        )
    )


def _thursday_before(week: pl.Expr) -> pl.Expr:
    return days.to_utc(days.local_at((week - 1) * 7 - 4, 15 * 60))


def promotions(placed: pl.DataFrame, seed: int) -> pl.DataFrame:
    """trade.promotions: one row per circular; what it cost is made."""
    table = placed.group_by("AD_NO").agg(pl.col("WEEK_ON", "known_at").first()).sort("AD_NO")
    number = table["AD_NO"].str.slice(2, 2).cast(pl.Int64)
    cost = (draws.column(seed, "circular cost", number) * 360 + 240).round(2)
    return table.select(
        AD_NO="AD_NO",
        TYPE=pl.lit("weekly_ad"),
        MECHANIC=pl.lit("display and mailer"),
        STARTS_ON="WEEK_ON",
        ENDS_ON=pl.col("WEEK_ON") + pl.duration(days=6),
        MEDIA_COST=pl.when(pl.col("AD_NO").str.ends_with("-1"))
        .then(pl.lit(cost))
        .otherwise(0.0)
        .cast(pl.Decimal(12, 2)),
        CHANGED_AT="known_at",
        known_at="known_at",
    )


def movements(bookings: pl.DataFrame, shrink: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    """wms.movements: every booking with its moment and a number in the order of booking.

    Units are positive and the kind says which way they go; a count's units bear their sign.
    """
    found = shrink.select(
        "product_id",
        "day",
        "units",
        location=pl.col("store_id").cast(pl.String),
        lot=pl.lit("-"),
        kind=pl.lit("count"),
        ref_kind=pl.lit("count"),
        ref=pl.lit("CT") + days.on_day(pl.col("day")).dt.strftime("%Y%m%d"),
        to_location=pl.lit(None, pl.String),
        minute=pl.lit(1370.0),
    )
    finished = pl.concat([bookings, found.select(lots.BOOKED)]).with_columns(
        material=pl.col("product_id").cast(pl.String), units=pl.col("units").cast(pl.Float64)
    )
    table = pl.concat([finished.drop("product_id"), parts.rename({"sku": "material"})], how="diagonal")
    return (
        table.select(
            site="location",
            material="material",
            batch="lot",
            type="kind",
            qty=pl.col("units").round(3).cast(pl.Decimal(12, 3)),
            ref_type="ref_kind",
            ref_no="ref",
            to_site="to_location",
            moved_at=days.to_utc(days.local_at(pl.col("day"), pl.col("minute"))),
        )
        .sort("moved_at", "site", "type", "material", "ref_no", "batch", "to_site", "qty")
        .with_row_index("number", offset=1)
        .with_columns(movement_no=pl.lit("MV") + pl.col("number").cast(pl.String).str.zfill(8))
        .drop("number")
        .with_columns(known_at=pl.col("moved_at"))
    )


def counts(
    shelf: pl.DataFrame, by_lot: pl.DataFrame, parts: pl.DataFrame, produced: pl.DataFrame, wares: pl.DataFrame
) -> pl.DataFrame:
    """wms.stock: weekly counts at the close of Monday, known that midnight; stores and raw materials without lots."""
    number = pl.col("units").cast(pl.Float64)
    keeps = (
        produced.join(wares.select("product_id", "shelf_life_days"), on="product_id")
        .group_by("product_id", "lot")
        .agg(
            produced_on=days.on_day(pl.col("produced_day").first()),
            expiry_on=days.on_day((pl.col("produced_day") + pl.col("shelf_life_days")).first()),
        )
    )
    table = pl.concat(
        [
            shelf.select(
                "day",
                site=pl.col("store_id").cast(pl.String),
                material=pl.col("product_id").cast(pl.String),
                batch=pl.lit("-"),
                on_hand=number,
            ),
            by_lot.join(keeps, on=["product_id", "lot"], how="left").select(
                "day",
                "produced_on",
                "expiry_on",
                site="location",
                material=pl.col("product_id").cast(pl.String),
                batch="lot",
                on_hand=number,
            ),
            parts.select("day", site=pl.lit(factory.PLANT), material="sku", batch=pl.lit("-"), on_hand=number),
        ],
        how="diagonal",
    )
    return table.select(
        "site",
        "material",
        "batch",
        as_of=days.on_day(pl.col("day")),
        on_hand=pl.col("on_hand").round(3).cast(pl.Decimal(12, 3)),
        produced_on="produced_on",
        expiry_on="expiry_on",
        known_at=days.to_utc(days.local_at(pl.col("day") + 1, 0)),
    ).sort("known_at", "site", "material", "batch")
