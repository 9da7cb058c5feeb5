"""What Double 11's orders hold: prices, lines, gifts, bundles, and the discounts on them by who pays; in cents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

import numpy as np
import polars as pl

from demo import draws, edits, goods

MONEY = pl.Decimal(12, 2)
PROMOTION = "D11-2017"
LISTED_AT = datetime(2017, 10, 25, 14, tzinfo=UTC)  # when listings and bundles were put up
VALID_FROM = date(2017, 11, 1)
BUNDLES = {"BX-BREAKFAST": ((0, 1), (1, 1)), "BX-FAMILY": ((0, 2), (2, 1)), "BX-PARTY": ((3, 3),)}  # rank, units
BUNDLE_SHARE, GIFT_SHARE = 0.15, 0.25
INFLUENCER_SHARE = 0.08
ITEM_SHARE, DEPTHS = 0.55, ["10", "15", "20", "30"]  # per cent off the list price, on a line


def money(cents: pl.Expr) -> pl.Expr:
    """Whole cents as an amount."""
    return (cents.cast(pl.Decimal(18, 2)) / 100).cast(MONEY)


def shelf(lines: pl.DataFrame, wares: pl.DataFrame, eleventh: int, changes: Sequence[edits.Change]) -> pl.DataFrame:
    """What the shops offer: product_id, sku, title, gtin, price (cents), cost, weight (how often it sold), best first.

    `lines` are the package's, before anyone changed them; a doubled price is doubled here too.
    """
    gross = pl.col("sales_value") + pl.col("retail_disc") + pl.col("coupon_match_disc")
    price = (gross.cast(pl.Float64) / pl.col("quantity")).filter(pl.col("quantity") > 0).median()
    offered = (
        lines.group_by("product_id")
        .agg(price=price.fill_null(1.0).clip(0.5) * 100, weight=pl.len())
        .with_columns(pl.col("price").round(0).cast(pl.Int64), day=pl.lit(eleventh, pl.Int32))
    )
    return (
        edits.edit_receipts(offered, changes, ["price"])
        .join(wares.select("product_id", "sku", "gtin", "product_type", "standard_cost"), on="product_id")
        .sort("weight", "product_id", descending=[True, False])
    )


def _bundles(offered: pl.DataFrame) -> pl.DataFrame:
    """Each bundle's components: bundle, product_id, sku, per_bundle (units), price (cents), cost. A world of few SKUs
    takes what it has."""
    parts = [(bundle, rank % offered.height, units) for bundle, ranks in BUNDLES.items() for rank, units in ranks]
    table = pl.DataFrame(parts, schema=["bundle", "rank", "per_bundle"], orient="row")
    return (
        table.join(offered.with_row_index("rank").with_columns(pl.col("rank").cast(pl.Int64)), on="rank")
        .group_by("bundle", "product_id", "sku", "price", "standard_cost", maintain_order=True)
        .agg(pl.col("per_bundle").sum())
        .sort("bundle", "product_id")
    )


def bundle_items(offered: pl.DataFrame) -> pl.DataFrame:
    """erp.items of the bundles, in the columns of `goods.item_master`: a bundle costs what is in it."""
    value = pl.col("per_bundle")
    table = (
        _bundles(offered)
        .group_by("bundle", maintain_order=True)
        .agg(list_price=(pl.col("price") * value).sum(), standard_cost=(pl.col("standard_cost") * value).sum().round(4))
    )
    return table.select(
        material="bundle",
        description=pl.lit(goods.BRAND + " ") + pl.col("bundle").str.strip_prefix("BX-").str.to_titlecase() + " box",
        brand=pl.lit(goods.BRAND),
        product_group=pl.lit("BUNDLE"),
        base_uom=pl.lit("each"),
        standard_cost="standard_cost",
        list_price=pl.col("list_price") / 100,
        is_bundle=pl.lit(True),
        launched_on=pl.lit(VALID_FROM),
        currency=pl.lit("USD"),
        changed_at=pl.lit(LISTED_AT).cast(pl.Datetime("us", "UTC")),
        known_at=pl.lit(LISTED_AT).cast(pl.Datetime("us", "UTC")),
    )


def catalogue(offered: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """ecommerce.listings and ecommerce.bundles of both shops."""
    parts = _bundles(offered)
    boxes = parts.group_by("bundle", maintain_order=True).agg(price=(pl.col("price") * pl.col("per_bundle")).sum())
    shops = pl.DataFrame({"shop": ["shop_a", "shop_b"]})
    at = pl.lit(LISTED_AT).cast(pl.Datetime("us", "UTC"))
    single = offered.select("sku", "gtin", "price", title=pl.col("product_type").fill_null("Dairy").str.to_titlecase())
    box = boxes.select(
        sku="bundle", gtin=pl.lit(None, pl.String), price="price", title=pl.col("bundle").str.slice(3) + " BOX"
    )
    listings = shops.join(pl.concat([single, box]), how="cross").select(
        "shop",
        listing=_listing(pl.col("shop"), pl.col("sku")),
        variant=pl.lit("-"),
        merchant_code="sku",
        sku="sku",
        title="title",
        gtin="gtin",
        list_price=money(pl.col("price")),
        currency=pl.lit("USD"),
        is_active=pl.lit(True),
        updated_at=at,
        known_at=at,
    )
    value = pl.col("price") * pl.col("per_bundle")
    bundles = shops.join(parts, how="cross").select(
        "shop",
        listing=_listing(pl.col("shop"), pl.col("bundle")),
        variant=pl.lit("-"),
        component="sku",
        units="per_bundle",
        share=(value / value.sum().over("shop", "bundle")).round(6),
        valid_from=pl.lit(VALID_FROM),
        updated_at=at,
        known_at=at,
    )
    return listings, bundles


def _listing(shop: pl.Expr, sku: pl.Expr) -> pl.Expr:
    return shop.str.slice(5, 1).str.to_uppercase() + pl.lit("L-") + sku


def baskets(plan: pl.DataFrame, offered: pl.DataFrame, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The lines of each order, and its discounts.

    Lines: serial, position, parent, kind, product_id (null for a bundle), sku, units, list, paid. Discounts: serial,
    position (0: the whole order), seq, kind, borne_by, coupon, amount. A line's list less its paid amount is its own
    discounts and its share of the order's.
    """
    lines = _with_parts(_chosen(plan, offered, seed), offered, plan, seed)
    own = (draws.column(seed, "double 11 item price", lines["serial"], lines["position"]) < ITEM_SHARE) & (
        lines["list"] > 0
    )
    depth = draws.pick(seed, "double 11 depth", DEPTHS, lines["serial"], lines["position"]).cast(pl.Int64)
    lines = lines.with_columns(item_price=pl.when(own).then(pl.col("list") * depth // 100).otherwise(0)).with_columns(
        value=pl.col("list") - pl.col("item_price")
    )
    stack = _stack(lines, plan, seed)
    shared = stack.group_by("serial").agg(shared=pl.col("amount").sum())
    lines = lines.join(shared, on="serial", how="left", maintain_order="left").with_columns(
        pl.col("shared").fill_null(0)
    )
    lines = _shared_out(lines).with_columns(paid=pl.col("value") - pl.col("share"))
    item = lines.filter(pl.col("item_price") > 0).select(
        "serial",
        "position",
        seq=pl.lit(1, pl.Int64),
        kind=pl.lit("item_price"),
        borne_by=pl.lit("brand"),
        coupon=pl.lit(None, pl.String),
        amount="item_price",
    )
    return lines.drop("item_price", "value", "shared", "share"), pl.concat([item, stack]).sort(
        "serial", "position", "seq"
    )


def _chosen(plan: pl.DataFrame, offered: pl.DataFrame, seed: int) -> pl.DataFrame:
    """What the buyer puts into the basket: one to three SKUs, each as likely as it sells, or a bundle as the first."""
    slots = plan.select("serial", "kind").join(pl.DataFrame({"slot": [1, 2, 3]}), how="cross")
    ids = slots["serial"], slots["slot"]
    pile = np.cumsum(offered["weight"].to_numpy())
    # Fake orders all buy the same.
    drawn = draws.uniform(seed, "double 11 product", *ids) * (slots["kind"] != "fake").to_numpy()
    place = np.searchsorted(pile, drawn * pile[-1], side="right")
    units = 1 + (draws.column(seed, "double 11 units", *ids) ** 2 * 3).floor().cast(pl.Int64)
    size = draws.column(seed, "double 11 slots", slots["serial"])
    is_box = (draws.column(seed, "double 11 bundle", slots["serial"]) < BUNDLE_SHARE) & (slots["slot"] == 1)
    picked = offered.select("product_id", "sku", "price")[pl.Series(place)]
    rows = slots.hstack(picked.get_columns()).with_columns(
        units=units,
        bundle=pl.when(is_box & (pl.col("kind") != "fake")).then(
            draws.pick(seed, "double 11 which bundle", list(BUNDLES), slots["serial"])
        ),
    )
    many = pl.when(pl.col("kind") == "fake").then(1).otherwise(1 + (pl.lit(size) > 0.45) + (pl.lit(size) > 0.8))
    rows = rows.filter(pl.col("slot") <= many).with_columns(
        product_id=pl.when(pl.col("bundle").is_null()).then("product_id"), sku=pl.coalesce("bundle", "sku")
    )
    return rows.unique(["serial", "sku"], keep="first", maintain_order=True)


def _with_parts(rows: pl.DataFrame, offered: pl.DataFrame, plan: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The lines with a bundle's components behind it and gifts at the end; list is the amount before any discount."""
    parts = _bundles(offered)
    boxes = parts.group_by("bundle").agg(box=(pl.col("price") * pl.col("per_bundle")).sum())
    sold = rows.join(boxes, on="bundle", how="left", maintain_order="left").select(
        "serial",
        "slot",
        "product_id",
        "sku",
        "units",
        part=pl.lit(0, pl.Int64),
        kind=pl.when(pl.col("bundle").is_null()).then(pl.lit("sale")).otherwise(pl.lit("bundle")),
        list=pl.coalesce("box", "price") * pl.col("units"),
    )
    inside = (
        rows.drop_nulls("bundle")
        .select("serial", "slot", "bundle", "units")
        .join(parts, on="bundle")
        .select(
            "serial",
            "slot",
            "product_id",
            "sku",
            units=pl.col("units") * pl.col("per_bundle"),
            part=pl.col("product_id").rank("ordinal").over("serial", "slot").cast(pl.Int64),
            kind=pl.lit("component"),
            list=pl.lit(0, pl.Int64),
        )
    )
    lucky = plan.filter((draws.column(seed, "double 11 gift", plan["serial"]) < GIFT_SHARE) & (plan["kind"] != "fake"))
    gift = offered.row(min(4, offered.height - 1), named=True)
    gifts = lucky.select(
        "serial",
        slot=pl.lit(9, pl.Int64),
        product_id=pl.lit(gift["product_id"], offered.schema["product_id"]),
        sku=pl.lit(gift["sku"]),
        units=pl.lit(1, pl.Int64),
        part=pl.lit(0, pl.Int64),
        kind=pl.lit("gift"),
        list=pl.lit(0, pl.Int64),
    )
    order = ["serial", "slot", "part", "kind", "product_id", "sku", "units", "list"]
    table = pl.concat([frame.select(order) for frame in (sold, inside, gifts)]).sort("serial", "slot", "part")
    position = pl.int_range(1, pl.len() + 1).over("serial")
    table = table.with_columns(position=position)
    return table.with_columns(
        parent=pl.when(pl.col("kind") == "component").then(pl.col("position") - pl.col("part"))
    ).drop("slot", "part")


def _stack(lines: pl.DataFrame, plan: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The discounts on whole orders, one on top of the other; each takes at most three tenths of what is left."""
    worth = lines.group_by("serial").agg(value=pl.col("value").sum()).sort("serial")
    ids = worth["serial"]

    def draw(purpose: str) -> pl.Series:
        return draws.column(seed, f"double 11 {purpose}", ids)

    value, luck = worth["value"], draw("luck")
    none = pl.Series([0]).new_from_index(0, ids.len())
    author = draw("influencer") < INFLUENCER_SHARE
    stack = (
        # kind, who pays, coupon, who gets it, cents
        ("threshold", "brand", None, value >= 500, value // 500 * 50),
        ("shop_coupon", "brand", "SC", (draw("shop coupon") < 0.3) & (value >= 300), none + 50),
        ("shop_coupon", "influencer", "KC", author, none + 80),
        ("platform_coupon", "platform", "PC", draw("platform coupon") < 0.3, none + 60),
        ("red_packet", "platform", "RP", draw("red packet") < 0.3, (luck * 90 + 10).cast(pl.Int64)),
        ("member", "brand", None, draw("member price") < 0.2, value // 20),
        ("points", "brand", None, draw("points") < 0.08, none + 30),
        ("payment", "payment", None, draw("payment") < 0.12, (luck * 60 + 8).cast(pl.Int64)),
    )
    left, parts = value, []
    for seq, (kind, payer, coupon, hit, wished) in enumerate(stack, start=1):
        amount = pl.select(pl.when(hit).then(pl.min_horizontal(wished, left * 3 // 10)).otherwise(0)).to_series()
        left = left - amount
        parts.append(
            pl.DataFrame({"serial": ids, "amount": amount}).select(
                "serial",
                position=pl.lit(0, pl.Int64),
                seq=pl.lit(seq, pl.Int64),
                kind=pl.lit(kind),
                borne_by=pl.lit(payer),
                coupon=pl.lit(coupon, pl.String) + pl.col("serial").cast(pl.String),
                amount="amount",
            )
        )
    return pl.concat(parts).filter(pl.col("amount") > 0)


def _shared_out(lines: pl.DataFrame) -> pl.DataFrame:
    """`share`: each line's part of `shared` by its value, to the cent, the largest remainders first."""
    whole = pl.col("value").sum().over("serial").clip(1)
    lines = lines.with_columns(
        share=pl.col("shared") * pl.col("value") // whole, rest=pl.col("shared") * pl.col("value") % whole
    )
    place = pl.struct(-pl.col("rest"), pl.col("position")).rank("ordinal").over("serial")
    missing = pl.col("shared") - pl.col("share").sum().over("serial")
    return lines.with_columns(share=pl.col("share") + (place <= missing).cast(pl.Int64)).drop("rest")


def line_rows(lines: pl.DataFrame, plan: pl.DataFrame) -> pl.DataFrame:
    """The shops' rows of the lines, in the columns of `webshops.order_lines`."""
    return lines.join(plan.select("serial", "shop", "number", "placed"), on="serial", maintain_order="left").select(
        "shop",
        "number",
        "position",
        "parent",
        "kind",
        "sku",
        listing=_listing(pl.col("shop"), pl.col("sku")),
        variant=pl.lit("-"),
        qty="units",
        list_total=money(pl.col("list")),
        paid_total=money(pl.col("paid")),
        promotion=pl.lit(PROMOTION),
        known_at="placed",
    )


def discount_rows(discounts: pl.DataFrame, plan: pl.DataFrame) -> pl.DataFrame:
    """ecommerce.discounts as the shops tell them: from the moment the order is placed."""
    return discounts.join(plan.select("serial", "shop", "number", "placed"), on="serial", maintain_order="left").select(
        "shop",
        "number",
        "position",
        "seq",
        "kind",
        "borne_by",
        "coupon",
        promotion=pl.lit(PROMOTION),
        amount=money(pl.col("amount")),
        currency=pl.lit("USD"),
        updated_at="placed",
        known_at="placed",
    )
