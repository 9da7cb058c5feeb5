"""What selling costs by channel, shop and category, as the brand's controllers keep it in the ERP: all of it made."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl

from demo.goods import MASTER_AT

ALL = "*"
FROZEN = ("ICE CREAM/MILK/SHERBTS", "FRZN NOVELTIES/WTR ICE")
BREAD = "BAKED BREAD/BUNS/ROLLS"
START, REVISED = date(2016, 1, 1), date(2017, 7, 1)
REVISED_AT = datetime(2017, 6, 15, 14, tzinfo=UTC)
# channel, shop, category, kind, valid from, share of net sales, dollars an order.
RATES: tuple[tuple[str, str, str, str, date, str | None, str | None], ...] = (
    # Lorries to the stores, frozen ones dearer; diesel made both dearer in July.
    ("store", ALL, ALL, "fulfilment", START, "0.060", None),
    ("store", ALL, ALL, "fulfilment", REVISED, "0.064", None),
    *(("store", ALL, group, "fulfilment", START, "0.085", None) for group in FROZEN),
    *(("store", ALL, group, "fulfilment", REVISED, "0.090", None) for group in FROZEN),
    ("store", ALL, ALL, "payment", START, "0.012", None),
    ("store", ALL, ALL, "rebate", START, "0.030", None),
    ("store", ALL, ALL, "write_off", START, "0.012", None),
    ("store", ALL, BREAD, "write_off", START, "0.028", None),
    # Baskets of the web shops ride along with the grocer's; a parcel that a carrier takes has a freight of its own.
    *((shop, shop, ALL, "fulfilment", START, "0.035", None) for shop in ("shop_a", "shop_b")),
    *((shop, shop, ALL, "shipping", START, None, "0.45") for shop in ("shop_a", "shop_b")),
    *((shop, shop, ALL, "commission", START, "0.050", None) for shop in ("shop_a", "shop_b")),
    *((shop, shop, ALL, "service_fee", START, "0.006", None) for shop in ("shop_a", "shop_b")),
    *((shop, shop, ALL, "influencer", START, "0.080", None) for shop in ("shop_a", "shop_b")),
    ("shop_a", "shop_a", ALL, "ads", START, "0.020", None),
    ("shop_b", "shop_b", ALL, "ads", START, "0.035", None),
)


def costs() -> pl.DataFrame:
    """erp.costs: one row per rate and the date it holds from; what July brought was decided in June."""
    table = pl.DataFrame(
        RATES,
        schema=["channel", "shop", "product_group", "cost_kind", "valid_from", "share", "per_order"],
        orient="row",
    )
    revised = pl.col("valid_from") == REVISED
    return table.with_columns(
        pl.col("share").cast(pl.Float64),
        pl.col("per_order").cast(pl.Decimal(12, 2)),
        currency=pl.lit("USD"),
        decided_at=pl.when(revised)
        .then(pl.lit(REVISED_AT))
        .otherwise(pl.lit(MASTER_AT))
        .cast(pl.Datetime("us", "UTC")),
    ).with_columns(known_at="decided_at")
