"""The brand's goods: master data, packs, recipes. Names and categories are the package's; the rest is made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl

from demo import days, draws

BRAND = "Harvest Lane"
MASTER_AT = datetime(2016, 12, 20, 9, tzinfo=UTC)  # when the master data of the first extract was last touched


@dataclass(frozen=True)
class Kind:
    """What the mill knows about one category: its line, how long it keeps, how many weeks one lot may cover."""

    line_id: str
    shelf_life_days: int
    storage: str
    cover_weeks: int
    speed: float  # units per minute relative to the line's other goods
    case_units: int
    recipe: tuple[tuple[str, float, float], ...]  # component, quantity per unit, scrap rate


KINDS = {
    "FLUID MILK PRODUCTS": Kind(
        "L1", 21, "chilled", 1, 1.6, 6, (("RM-RAW-MILK", 2.05, 0.02), ("PK-CARTON", 1, 0.01), ("PK-CASE", 1 / 6, 0))
    ),
    "MILK BY-PRODUCTS": Kind(
        "L1",
        35,
        "chilled",
        2,
        1.0,
        12,
        (
            ("RM-CREAM", 0.32, 0.03),
            ("RM-RAW-MILK", 0.2, 0.02),
            ("RM-CULTURE", 0.002, 0),
            ("PK-TUB", 1, 0.01),
            ("PK-CASE", 1 / 12, 0),
        ),
    ),
    "YOGURT": Kind(
        "L1",
        35,
        "chilled",
        2,
        1.4,
        12,
        (
            ("RM-RAW-MILK", 0.19, 0.02),
            ("RM-CULTURE", 0.003, 0),
            ("RM-FRUIT", 0.03, 0.02),
            ("RM-SUGAR", 0.015, 0),
            ("PK-TUB", 1, 0.01),
            ("PK-CASE", 1 / 12, 0),
        ),
    ),
    "CHEESE": Kind(
        "L2",
        120,
        "chilled",
        4,
        1.5,
        12,
        (
            ("RM-RAW-MILK", 3.4, 0.03),
            ("RM-RENNET", 0.001, 0),
            ("RM-SALT", 0.006, 0),
            ("PK-FILM", 1, 0.02),
            ("PK-CASE", 1 / 12, 0),
        ),
    ),
    "ICE CREAM/MILK/SHERBTS": Kind(
        "L2",
        365,
        "frozen",
        4,
        0.8,
        6,
        (("IM-ICE-MIX", 0.95, 0.02), ("RM-FRUIT", 0.05, 0.02), ("PK-TUB", 1, 0.01), ("PK-CASE", 1 / 6, 0)),
    ),
    "FRZN NOVELTIES/WTR ICE": Kind(
        "L2",
        365,
        "frozen",
        4,
        0.9,
        12,
        (("IM-ICE-MIX", 0.6, 0.02), ("RM-COCOA", 0.02, 0.01), ("PK-FILM", 6, 0.02), ("PK-CASE", 1 / 12, 0)),
    ),
    "BAKED BREAD/BUNS/ROLLS": Kind(
        "L3", 21, "ambient", 1, 1.0, 8, (("IM-DOUGH", 0.62, 0.03), ("PK-FILM", 1, 0.02), ("PK-CASE", 1 / 8, 0))
    ),
}
INTERMEDIATES = {
    "IM-ICE-MIX": (("RM-CREAM", 0.3, 0.02), ("RM-RAW-MILK", 0.55, 0.02), ("RM-SUGAR", 0.15, 0)),
    "IM-DOUGH": (("RM-FLOUR", 0.6, 0.01), ("RM-YEAST", 0.012, 0), ("RM-SUGAR", 0.02, 0), ("RM-SALT", 0.011, 0)),
}
# component: name, base unit, standard cost, shelf life in days
COMPONENTS: dict[str, tuple[str, str, float, int]] = {
    "IM-ICE-MIX": ("Ice cream mix", "kg", 0.92, 5),
    "IM-DOUGH": ("Bread dough", "kg", 0.44, 1),
    "RM-RAW-MILK": ("Raw milk", "kg", 0.38, 4),
    "RM-CREAM": ("Cream 40 %", "kg", 2.1, 6),
    "RM-CULTURE": ("Starter culture", "kg", 24.0, 180),
    "RM-RENNET": ("Rennet", "kg", 31.0, 180),
    "RM-FRUIT": ("Fruit preparation", "kg", 2.6, 120),
    "RM-COCOA": ("Cocoa", "kg", 4.2, 365),
    "RM-SUGAR": ("Sugar", "kg", 0.7, 730),
    "RM-FLOUR": ("Wheat flour", "kg", 0.45, 180),
    "RM-YEAST": ("Yeast", "kg", 1.9, 30),
    "RM-SALT": ("Salt", "kg", 0.2, 1095),
    "PK-CARTON": ("Milk carton", "each", 0.07, 1095),
    "PK-TUB": ("Tub with lid", "each", 0.06, 1095),
    "PK-FILM": ("Film bag", "each", 0.02, 1095),
    "PK-CASE": ("Shipping case", "each", 0.35, 1095),
}


def check_digit(digits: pl.Expr) -> pl.Expr:
    """The GS1 check digit of a text of twelve digits (General Specifications 7.9.1)."""
    total = pl.sum_horizontal(
        digits.str.slice(place, 1).cast(pl.Int64) * (1 if place % 2 == 0 else 3) for place in range(12)
    )
    return (-total) % 10


def with_gtin(rows: pl.DataFrame) -> pl.DataFrame:
    """Adds `gtin` from product_id: GS1's prefix for demonstrations (952), nine digits of the id, check digit."""
    stem = pl.lit("952") + pl.col("product_id").cast(pl.String).str.zfill(9)
    return rows.with_columns(gtin=stem + check_digit(stem).cast(pl.String))


def finished(products: pl.DataFrame, lines: pl.DataFrame, seed: int) -> pl.DataFrame:
    """One row per sold product: product_id, sku, category, line_id, cover_weeks, speed, list_price, standard_cost,
    rate (units a week), launched_on, and what `KINDS` says of its category.

    List price: the median gross price of its lines; standard cost: 55 to 70 % of it.
    """
    price = (
        (pl.col("sales_value") + pl.col("retail_disc") + pl.col("coupon_match_disc")).cast(pl.Float64)
        / pl.col("quantity")
    ).filter(pl.col("quantity") > 0)
    sold = lines.group_by("product_id").agg(
        price=price.median(),
        rate=pl.col("quantity").sum() / days.WEEKS,
        first_day=pl.col("day").min(),
        weeks=(pl.col("day") // 7).n_unique(),
    )
    kinds = pl.DataFrame(
        [
            (name, k.line_id, k.shelf_life_days, k.storage, k.cover_weeks, k.speed, k.case_units)
            for name, k in KINDS.items()
        ],
        schema=["product_category", "line_id", "shelf_life_days", "storage", "cover_weeks", "speed", "case_units"],
        orient="row",
    )
    goods = products.join(sold, on="product_id").join(kinds, on="product_category").sort("product_id")
    share = draws.column(seed, "cost", goods["product_id"]) * 0.15 + 0.55
    old = (draws.column(seed, "launched", goods["product_id"]) * 700).cast(pl.Int32)
    # A SKU that starts well into the year and then sells most weeks is a launch; others were there before.
    launch = (
        (pl.col("first_day") > 70)
        & (pl.col("weeks") >= (pl.lit(days.DAYS) - pl.col("first_day")) // 7 * 0.6)
        & (pl.col("weeks") >= 8)
    )
    return with_gtin(goods).with_columns(
        sku=pl.col("product_id").cast(pl.String),
        list_price=pl.col("price").fill_null(1.0).clip(0.1).round(2),
        standard_cost=(pl.col("price").fill_null(1.0).clip(0.1) * share).round(4),
        launched_on=pl.when(launch)
        .then(days.on_day(pl.col("first_day") // 7 * 7))
        .otherwise(days.on_day(pl.lit(-28) - old)),
    )


def item_master(goods: pl.DataFrame, seed: int) -> pl.DataFrame:
    """erp.items: one row per version of an item; every twentieth has its list price raised by 4 % during the year."""
    name = (
        pl.lit(BRAND + " ")
        + pl.col("product_type").fill_null(pl.col("product_category")).str.to_titlecase()
        + pl.when(pl.col("package_size").is_null())
        .then(pl.lit(""))
        .otherwise(pl.lit(" ") + pl.col("package_size").str.replace_all(r"\s+", " "))
    )
    first = goods.select(
        material="sku",
        description=name,
        ean="gtin",
        brand=pl.lit(BRAND),
        product_group="product_category",
        product_type="product_type",
        base_uom=pl.lit("each"),
        standard_cost="standard_cost",
        list_price="list_price",
        shelf_life_days="shelf_life_days",
        storage="storage",
        launched_on="launched_on",
        changed_at=pl.lit(MASTER_AT).cast(pl.Datetime("us", "UTC")),
    )
    chance = draws.column(seed, "price revision", goods["product_id"])
    day = (draws.column(seed, "price revision day", goods["product_id"]) * 300 + 30).cast(pl.Int32)
    raised = first.with_columns(
        list_price=(pl.col("list_price") * 1.04).round(2), changed_at=days.to_utc(days.local_at(pl.lit(day), 9 * 60))
    ).filter(chance < 0.05)
    components = pl.DataFrame(
        [(sku, *about) for sku, about in COMPONENTS.items()],
        schema=["material", "description", "base_uom", "standard_cost", "shelf_life_days"],
        orient="row",
    ).with_columns(
        product_group=pl.when(pl.col("material").str.starts_with("IM-"))
        .then(pl.lit("INTERMEDIATE"))
        .when(pl.col("material").str.starts_with("PK-"))
        .then(pl.lit("PACKAGING"))
        .otherwise(pl.lit("RAW MATERIAL")),
        changed_at=pl.lit(MASTER_AT).cast(pl.Datetime("us", "UTC")),
        shelf_life_days=pl.col("shelf_life_days").cast(first.schema["shelf_life_days"]),
    )
    table = pl.concat([first, raised, components], how="diagonal").sort("changed_at", "material")
    return table.with_columns(currency=pl.lit("USD"), known_at=pl.col("changed_at"))


def item_packs(goods: pl.DataFrame) -> pl.DataFrame:
    """erp.item_units: the single unit and the shipping case of every finished good."""
    weight = (pl.col("list_price") * 0.35 + 0.1).round(3)
    each = goods.select(
        material="sku", uom=pl.lit("each"), base_units=pl.lit(1, pl.Int64), ean="gtin", weight_kg=weight
    )
    case = goods.select(
        material="sku",
        uom=pl.lit("case"),
        base_units=pl.col("case_units").cast(pl.Int64),
        ean=pl.lit(None, pl.String),
        weight_kg=(weight * pl.col("case_units") + 0.3).round(3),
    )
    table = pl.concat([each, case]).sort("material", "uom", descending=[False, True])
    return table.with_columns(
        volume_m3=(pl.col("weight_kg") * 0.0012).round(6),
        pallet_units=pl.col("base_units") * 80,
        known_at=pl.lit(MASTER_AT).cast(pl.Datetime("us", "UTC")),
    )


def recipes(goods: pl.DataFrame) -> pl.DataFrame:
    """plm.bom: what one base unit of each finished good and intermediate takes; two levels, no cycle."""
    by_kind = pl.DataFrame(
        [(category, *part) for category, kind in KINDS.items() for part in kind.recipe],
        schema=["product_category", "component", "quantity", "scrap_rate"],
        orient="row",
        strict=False,
    ).with_columns(pl.col("quantity", "scrap_rate").cast(pl.Float64))
    top = (
        goods.select(parent="sku", product_category="product_category")
        .join(by_kind, on="product_category")
        .drop("product_category")
    )
    below = pl.DataFrame(
        [(parent, *part) for parent, parts in INTERMEDIATES.items() for part in parts],
        schema=["parent", "component", "quantity", "scrap_rate"],
        orient="row",
        strict=False,
    ).with_columns(pl.col("quantity", "scrap_rate").cast(pl.Float64))
    return pl.concat([top, below]).select(
        "parent",
        "component",
        pl.col("quantity").round(6),
        "scrap_rate",
        valid_from=pl.lit(date(2015, 1, 1)),
        known_at=pl.lit(MASTER_AT).cast(pl.Datetime("us", "UTC")),
    )


def raw_per_unit() -> dict[str, dict[str, float]]:
    """Category to raw material to quantity per good unit, scrap included, intermediates dissolved."""
    result: dict[str, dict[str, float]] = {}
    for category, kind in KINDS.items():
        need: dict[str, float] = {}
        for component, quantity, scrap in kind.recipe:
            gross = quantity * (1 + scrap)
            for raw, share, loss in INTERMEDIATES.get(component, ((component, 1.0, 0.0),)):
                need[raw] = need.get(raw, 0.0) + gross * share * (1 + loss)
        result[category] = need
    return result


def revisions(goods: pl.DataFrame, seed: int) -> pl.DataFrame:
    """plm.items: revision A of every item; every tenth gets a lighter package during the year, and A is superseded.

    The change is known, and in force, on one day. Nothing else of the item changes, its bill least of all.
    """
    skus = pl.concat([goods["sku"], pl.Series("sku", list(COMPONENTS))])
    first = pl.DataFrame({"item": skus}).with_columns(
        revision=pl.lit("A"),
        material=pl.col("item"),
        state=pl.lit("released"),
        valid_from=pl.lit(date(2015, 1, 1)),
        specification=pl.lit(None, pl.String),
        known_at=pl.lit(MASTER_AT).cast(pl.Datetime("us", "UTC")),
    )
    day = (draws.column(seed, "revision day", goods["product_id"]) * 330 + 20).cast(pl.Int32)
    changed = (
        goods.select(item="sku", day=day)
        .filter(draws.column(seed, "revision", goods["product_id"]) < 0.1)
        .with_columns(known_at=days.to_utc(days.local_at(pl.col("day"), 10 * 60)))
    )
    before = first.drop("known_at").join(changed, on="item", maintain_order="left").drop("day")
    after = changed.select(
        "item",
        "known_at",
        revision=pl.lit("B"),
        material=pl.col("item"),
        state=pl.lit("released"),
        valid_from=days.on_day(pl.col("day")),
        specification=pl.lit("lighter package"),
    )
    table = pl.concat([first, before.with_columns(state=pl.lit("superseded")), after], how="diagonal")
    return table.sort("known_at", "item", "revision")
