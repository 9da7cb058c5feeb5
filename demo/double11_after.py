"""What follows Double 11's orders: refunds in every state, goods sent instead, parcels, and what bills say of it."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from demo import days, draws
from demo.double11 import MARK, Double11, versions
from demo.double11_goods import line_rows, money

# Share of the orders that went out, and who bears it.
KINDS = {
    "refund_only": (0.05, "brand"),
    "return_refund": (0.05, "brand"),
    "exchange": (0.025, "brand"),
    "compensation": (0.03, "platform"),
    "before_shipment": (0.03, "brand"),
}
# The steps of a refund by how it ends, and how many of ten end so.
WAYS = {
    "completed": (("asked", "agreed", "goods_received", "completed"), 5),
    "asked": (("asked",), 1),
    "agreed": (("asked", "agreed"), 1),
    "goods_received": (("asked", "agreed", "goods_received"), 1),
    "rejected": (("asked", "rejected"), 1),
    "withdrawn": (("asked", "withdrawn"), 1),
}
STEP_DAYS = {"asked": 0, "agreed": 1, "goods_received": 4, "completed": 5, "rejected": 2, "withdrawn": 2}
REASONS = {
    "before_shipment": "no longer needed",
    "refund_only": "arrived warm",
    "return_refund": "wrong taste",
    "exchange": "damaged carton",
    "compensation": "late delivery",
}
MOMENTS = ["placed", "paid", "cancelled", "shipped_day", "shipped", "completed"]
WITH_GOODS = ["return_refund", "exchange"]
FREIGHT, EMPTY_FREIGHT = 420, 110  # cents for a parcel with goods, and for one of the lightest class


@dataclass(frozen=True)
class After:
    """Refunds by version, and the orders that exchanges bring, by version."""

    refunds: pl.DataFrame
    orders: pl.DataFrame
    order_lines: pl.DataFrame
    leaving: pl.DataFrame  # product_id, day, number, units of all orders: shipped on the day after `day`
    truth: pl.DataFrame
    billed: pl.DataFrame  # `_billed`


def follow(made: Double11, seed: int) -> After:
    """What follows the orders `made`."""
    asked = _asked(made, seed)
    instead, lines = _exchanges(asked, made)
    kept_back = asked.filter(pl.col("kind") == "before_shipment", pl.col("way") == "completed")
    sent = (
        made.lines.filter(pl.col("kind") != "bundle")
        .join(made.plan.filter(pl.col("kind").is_in(["normal", "presale paid"])).drop("kind"), on="serial")
        .with_columns(bought=pl.coalesce("parent", "position"))
        .join(kept_back.select("serial", bought="position"), on=["serial", "bought"], how="anti")
    )
    again = lines.join(instead, on="serial")
    leaving = pl.concat(
        frame.select("product_id", "number", "units", day=pl.col("shipped_day") - 1) for frame in (sent, again)
    )
    return After(
        refunds=_refund_rows(asked),
        orders=versions(instead),
        order_lines=line_rows(lines, instead),
        leaving=leaving.sort("day", "number", "product_id"),
        truth=instead.select("shop", "number", "household_id", "is_fake", "is_pooled_phone", "kind"),
        billed=_billed(made, asked),
    )


def _asked(made: Double11, seed: int) -> pl.DataFrame:
    """One row per refund: serial, shop, number, position (null: the whole order), kind, borne_by, way, sku, product_id,
    units, amount (cents), asked."""
    out = made.plan.filter(pl.col("kind").is_in(["normal", "presale paid"])).drop("kind")
    ids = out["serial"]

    def draw(purpose: str) -> pl.Series:
        return draws.column(seed, f"double 11 refund {purpose}", ids)

    ways = [way for way, (_, share) in WAYS.items() for _ in range(share)]
    places = [kind for kind, (share, _) in KINDS.items() for _ in range(round(share * 1_000))]
    rare = pl.Series("kind", [*places, *[None] * (1_000 - len(places))], dtype=pl.String)
    out = out.with_columns(
        kind=rare.gather((draw("kind") * 1_000).cast(pl.Int64)),
        way=draws.pick(seed, "double 11 refund way", ways, ids),
        part=draw("part"),
        delay=draw("day"),
    ).drop_nulls("kind")
    # The last line one pays for; a box as a whole.
    last = (
        made.lines.filter(pl.col("kind").is_in(["sale", "bundle"]))
        .sort("serial", "position")
        .group_by("serial")
        .agg(pl.col("position", "units", "sku", "product_id").last(), worth=pl.col("paid").last(), paid_lines=pl.len())
    )
    kind, way = pl.col("kind"), pl.col("way")
    single = (
        out.join(last, on="serial")
        # An order of one line would be cancelled instead, and a box is not taken apart for an exchange.
        .filter((kind != "before_shipment") | (pl.col("paid_lines") > 1))
        .filter((kind != "exchange") | pl.col("product_id").is_not_null())
        .select(
            "serial",
            "shop",
            "number",
            "position",
            "kind",
            "sku",
            "product_id",
            borne_by=kind.replace_strict({name: payer for name, (_, payer) in KINDS.items()}),
            # Where no goods come back, none are received.
            way=pl.when(~kind.is_in(WITH_GOODS) & (way == "goods_received")).then(pl.lit("agreed")).otherwise(way),
            units=pl.when(kind != "compensation").then("units"),
            amount=pl.when(kind == "exchange")
            .then(0)
            .when(kind == "compensation")
            .then(pl.min_horizontal("worth", 50))
            .when(kind == "refund_only")
            .then((pl.col("worth") * (0.3 + pl.col("part") * 0.7)).floor().cast(pl.Int64).clip(1))
            .otherwise("worth"),
            asked=pl.when(kind == "before_shipment")
            .then(pl.col("paid") + pl.duration(minutes=30))
            .otherwise(pl.col("shipped") + pl.duration(hours=(48 + pl.col("delay") * 96).floor().cast(pl.Int64))),
        )
    )
    cancelled = made.plan.filter(pl.col("kind") == "cancelled").select(
        "serial",
        "shop",
        "number",
        kind=pl.lit("before_shipment"),
        borne_by=pl.lit("brand"),
        way=pl.lit("completed"),
        amount="total",
        asked=pl.col("cancelled") - pl.duration(minutes=10),
    )
    return pl.concat([single, cancelled], how="diagonal").sort("serial")


def _at(step: str) -> pl.Expr:
    """When a refund takes a step; one before shipment takes minutes, not days."""
    early = pl.col("kind") == "before_shipment"
    return pl.col("asked") + pl.when(early).then(pl.duration(minutes=STEP_DAYS[step])).otherwise(
        pl.duration(days=STEP_DAYS[step])
    )


def _refund_rows(asked: pl.DataFrame) -> pl.DataFrame:
    """ecommerce.refunds: each refund as it stood from each of its steps on."""
    goods_back = pl.col("kind").is_in(WITH_GOODS)
    said = pl.concat(
        asked.filter(pl.col("way").is_in([way for way, (steps, _) in WAYS.items() if step in steps])).with_columns(
            state=pl.lit(step), known_at=_at(step)
        )
        for step in STEP_DAYS
    ).filter((pl.col("state") != "goods_received") | goods_back)
    received = goods_back & pl.col("state").is_in(["goods_received", "completed"])
    return said.select(
        "shop",
        "number",
        "position",
        "kind",
        "state",
        "borne_by",
        refund_no=pl.lit("R") + pl.col("number"),
        qty="units",
        amount=money(pl.col("amount")),
        reason=pl.col("kind").replace_strict(REASONS),
        asked_at="asked",
        refunded_at=pl.when(pl.col("state") == "completed").then("known_at"),
        goods_received_at=pl.when(received).then(_at("goods_received")),
        updated_at="known_at",
        known_at="known_at",
    ).sort("known_at", "refund_no")


def _exchanges(asked: pl.DataFrame, made: Double11) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The orders that completed exchanges bring (columns as `versions` wants them) and their one line each."""
    done = asked.filter(pl.col("kind") == "exchange", pl.col("way") == "completed")
    moment = _at("goods_received") + pl.duration(minutes=15)
    shipped_day = days.day_of(days.local_on(moment)) + 1
    orders = done.join(made.bought, on="serial", suffix="_of_first", maintain_order="left").select(
        *made.bought.drop("serial", "number", "kind", "total", *MOMENTS).columns,
        serial=-pl.col("serial") - 1,
        number=pl.col("number") + "-X",
        kind=pl.lit("exchange"),
        total=pl.lit(0, pl.Int64),
        placed=moment,
        paid=moment + pl.duration(minutes=1),
        cancelled=pl.lit(None, pl.Datetime("us", "UTC")),
        shipped_day=shipped_day,
        shipped=days.to_utc(days.local_at(shipped_day, 600)),
    )
    orders = orders.with_columns(completed=pl.col("shipped") + pl.duration(days=3))
    lines = done.select(
        "product_id",
        "sku",
        "units",
        serial=-pl.col("serial") - 1,
        position=pl.lit(1, pl.Int64),
        parent=pl.lit(None, pl.Int64),
        kind=pl.lit("sale"),
        list=pl.lit(0, pl.Int64),
        paid=pl.lit(0, pl.Int64),
    )
    return orders, lines


def parcels(movements: pl.DataFrame, made: Double11) -> pl.DataFrame:
    """ecommerce.shipments of Double 11, sent and then delivered: what the warehouse says left for an order, lot by lot.

    Of a fake order the shop says its goods were sent, in a parcel of the lightest class; the warehouse knows of none.
    """
    own = pl.col("ref_no").str.contains(MARK)
    true = movements.filter((pl.col("type") == "shipment") & own).select(
        number="ref_no",
        sku="material",
        lot="batch",
        qty=pl.col("qty").cast(pl.Int64),
        shipped="moved_at",
        delivered=pl.col("moved_at") + pl.duration(hours=50),
        freight=pl.lit(FREIGHT),
    )
    fake = (
        made.plan.filter(pl.col("kind") == "fake")
        .join(made.lines, on="serial")
        .select(
            "number",
            "sku",
            lot=pl.lit("-"),
            qty="units",
            shipped="shipped",
            delivered=pl.col("shipped") + pl.duration(minutes=20),
            freight=pl.lit(EMPTY_FREIGHT),
        )
    )
    rows = pl.concat([true, fake]).sort("number", "sku", "lot")
    rows = rows.with_columns(line=pl.int_range(1, pl.len() + 1).over("number"))
    return pl.concat(
        rows.select(
            "number",
            "line",
            "sku",
            "lot",
            "qty",
            shop=pl.when(pl.col("number").str.starts_with("A")).then(pl.lit("shop_a")).otherwise(pl.lit("shop_b")),
            parcel_no=pl.lit("P") + pl.col("number"),
            site=pl.lit("DC"),
            carrier=pl.lit("Mill Road Express"),
            shipped_at="shipped",
            delivered_at="delivered" if is_there else pl.lit(None, pl.Datetime("us", "UTC")),
            # The parcel's freight stands on its first line.
            freight=money(pl.when(pl.col("line") == 1).then("freight").otherwise(0)),
            currency=pl.lit("USD"),
            updated_at="delivered" if is_there else "shipped",
            known_at="delivered" if is_there else "shipped",
        )
        for is_there in (False, True)
    ).sort("known_at", "parcel_no", "line")


def _billed(made: Double11, asked: pl.DataFrame) -> pl.DataFrame:
    """What a platform's bill holds beside the money of paid orders: shop, number, refund_no, kind, on, amount.

    The subsidy is what the platform pays of the discounts; refunds it does not bear are taken off the income; the
    deposit of a presale whose balance never came stays with the shop.
    """
    counted = made.plan.filter(pl.col("kind").is_in(["normal", "presale paid", "fake"]))
    subsidy = (
        made.discounts.filter(pl.col("borne_by") == "platform")
        .group_by("serial")
        .agg(pl.col("amount").sum())
        .join(counted, on="serial")
        .select("shop", "number", "amount", kind=pl.lit("subsidy"), on=days.local_on(pl.col("paid")))
    )
    refunded = asked.filter(
        pl.col("way") == "completed",
        pl.col("borne_by") == "brand",
        pl.col("amount") > 0,
        pl.col("position").is_not_null(),
    ).select(
        "shop",
        "number",
        refund_no=pl.lit("R") + pl.col("number"),
        kind=pl.lit("income"),
        on=days.local_on(_at("completed")),
        amount=-pl.col("amount"),
    )
    kept = made.plan.filter(pl.col("kind") == "presale expired").select(
        "shop", "number", kind=pl.lit("income"), on=days.local_on(pl.col("cancelled")), amount=pl.col("total") // 5
    )
    return (
        pl.concat([subsidy, refunded, kept], how="diagonal")
        .with_columns(money(pl.col("amount")), currency=pl.lit("USD"))
        .sort("on", "number", "kind")
    )


def paid_orders(made: Double11) -> pl.DataFrame:
    """The orders whose money the platform holds: shop, number, on (the day it was paid), total, currency."""
    return made.plan.filter(pl.col("kind").is_in(["normal", "presale paid", "fake"])).select(
        "shop", "number", on=days.local_on(pl.col("paid")), total=money(pl.col("total")), currency=pl.lit("USD")
    )
