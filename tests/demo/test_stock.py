"""Balances close, nothing falls below zero, and a stock-out is a shelf that was truly empty."""

from __future__ import annotations

import polars as pl

from demo import days, double11, lots
from tests.demo.conftest import Made

OUT = ["transfer", "delivery", "shipment", "issue"]


def balances(made: Made) -> pl.DataFrame:
    """Every place, SKU and lot by day, from the exported rows alone: first count, movements, till sales."""
    moved = made.tables["wms.movements"].with_columns(
        day=days.day_of(days.local_on(pl.col("moved_at"))), units=pl.col("qty").cast(pl.Float64)
    )
    signed = pl.when(pl.col("type").is_in(OUT)).then(-pl.col("units")).otherwise(pl.col("units"))
    store_lot = pl.when(pl.col("type") == "delivery").then(pl.lit("-")).otherwise("batch")
    flows = [
        moved.select("site", "material", "batch", "day", units=signed),
        moved.filter(pl.col("to_site").is_not_null())
        .select("material", "day", "units", site="to_site", batch=store_lot)
        .select("site", "material", "batch", "day", "units"),
        made.tables["pos.sale_lines"].select(
            site="STORE_ID",
            material="PRODUCT_ID",
            batch=pl.lit("-"),
            day=days.day_of(days.local_on(pl.col("known_at"))),
            units=-pl.col("QUANTITY").cast(pl.Float64),
        ),
    ]
    key = ["site", "material", "batch"]
    counts = made.tables["wms.stock"].select(
        *key, day=days.day_of(pl.col("as_of")), counted=pl.col("on_hand").cast(pl.Float64)
    )
    first = counts.filter(pl.col("day") == 0).select(*key, "day", units="counted")
    known = counts.select("site", "material").unique()
    # The first count is the close of its day: what moved on that day is in it.
    return (
        pl.concat([first, *(flow.filter(pl.col("day") > 0) for flow in flows)])
        .join(known, on=["site", "material"], how="semi")
        .group_by(*key, "day")
        .agg(pl.col("units").sum())
        .sort(*key, "day")
        .with_columns(balance=pl.col("units").cum_sum().over(key).round(3))
    )


def test_no_place_ever_holds_less_than_nothing(small: Made) -> None:
    assert balances(small)["balance"].min() == 0


def test_every_count_finds_what_the_movements_say(small: Made) -> None:
    counts = small.tables["wms.stock"].select(
        "site", "material", "batch", day=days.day_of(pl.col("as_of")), counted=pl.col("on_hand").cast(pl.Float64)
    )
    key = ["site", "material", "batch"]
    found = counts.sort("day").join_asof(
        balances(small).sort("day").select(*key, "day", "balance"), on="day", by=key, check_sortedness=False
    )
    assert set(found["site"]) > {"DC", "PLANT"}
    assert (found["counted"] == found["balance"]).all()


def test_a_lot_that_lies_in_the_warehouse_is_counted(small: Made) -> None:
    day = 280
    held = (
        balances(small)
        .filter(pl.col("site").is_in(["DC", "PLANT"]) & (pl.col("day") <= day))
        .group_by("site", "material", "batch")
        .agg(pl.col("balance").last())
        .filter(pl.col("balance") > 0)
    )
    counted = small.tables["wms.stock"].filter(
        (days.day_of(pl.col("as_of")) == day) & pl.col("site").is_in(["DC", "PLANT"]) & (pl.col("on_hand") > 0)
    )
    assert set(held.select("site", "material", "batch").iter_rows()) == set(
        counted.select("site", "material", "batch").iter_rows()
    )


def test_on_a_stock_out_day_the_shelf_is_empty_and_nothing_comes_or_goes(small: Made) -> None:
    outs = small.truth["stock_outs"].with_columns(
        site=pl.col("store_id").cast(pl.String), material=pl.col("product_id").cast(pl.String)
    )
    assert outs.height > 500
    closing = outs.join(small.truth["stock_days"], on=["store_id", "product_id", "day"])
    assert (closing.height, closing["units"].max()) == (outs.height, 0)
    moved = balances(small).filter(pl.col("batch") == "-")
    assert outs.join(moved, on=["site", "material", "day"]).height == 0


def test_the_shelf_is_filled_on_the_morning_after_a_stock_out(small: Made) -> None:
    outs = small.truth["stock_outs"]
    last = outs.join(
        outs.with_columns(pl.col("day") - 1), on=["store_id", "product_id", "day"], how="anti"
    ).with_columns(pl.col("day") + 1)
    deliveries = (
        small.tables["wms.movements"]
        .filter(pl.col("type") == "delivery")
        .select(
            store_id=pl.col("to_site").cast(pl.Int64),
            product_id=pl.col("material").cast(pl.Int64),
            day=days.day_of(days.local_on(pl.col("moved_at"))),
        )
    )
    assert last.join(deliveries, on=["store_id", "product_id", "day"], how="anti").height == 0


def test_adjustments_are_few_and_never_nothing(small: Made) -> None:
    found = small.tables["wms.movements"].filter(pl.col("type") == "count")
    assert 0 < found.height < 500
    assert (found["qty"] != 0).all()
    assert found.height == small.truth["adjustments"].height


def test_what_leaves_the_warehouse_for_the_web_is_what_was_ordered(small: Made) -> None:
    # Of the package's baskets; not all that is ordered on Double 11 leaves (test_double11).
    shipped = (
        small.tables["wms.movements"]
        .filter(pl.col("type") == "shipment", ~pl.col("ref_no").str.contains(double11.MARK))
        .group_by(number="ref_no")
        .agg(pl.col("qty").sum())
    )
    ordered = (
        pl.concat([small.tables[f"{shop}.order_lines"] for shop in ("shop_a", "shop_b")])
        .filter(~pl.col("number").str.contains(double11.MARK))
        .group_by("number")
        .agg(pl.col("qty").sum())
        .filter(pl.col("qty") > 0)
    )
    both = ordered.join(shipped, on="number", how="full", suffix="_shipped")
    assert (both["qty"].cast(pl.Float64) == both["qty_shipped"].cast(pl.Float64)).all()
    assert lots.DC in set(small.tables["wms.locations"]["site"])
