"""The public sets that forecasts are measured on: each as one long panel, with its horizon and rolling origins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from forecasting.grid import Frequency

SHARED = Path("../shared/data")
ORIGINS = 3
OFFSETS: dict[Frequency, str] = {"D": "d", "W": "w", "MS": "mo"}


@dataclass(frozen=True)
class Panel:
    """One set. `frame` has unique_id, ds, y, `static` (one value a series) and `known` (planned ahead) columns."""

    name: str
    frame: pl.DataFrame
    freq: Frequency
    horizon: int
    static: tuple[str, ...]
    known: tuple[str, ...]

    def origins(self, count: int) -> list[date]:
        """The last days known, one horizon apart, newest first; the last horizon of the data is the first window."""
        last: date = self.frame["ds"].max()  # type: ignore[assignment]
        return [self._moved(last, -back * self.horizon) for back in range(1, count + 1)]

    def split(self, origin: date) -> tuple[pl.DataFrame, pl.DataFrame]:
        """What is known at `origin`, and the horizon after it, of the series that had a row by then."""
        known = self.frame.filter(pl.col("ds") <= origin)
        until = self._moved(origin, self.horizon)
        ahead = self.frame.filter(pl.col("ds") > origin, pl.col("ds") <= until)
        return known, ahead.join(known.select("unique_id").unique(), on="unique_id", how="semi")

    def _moved(self, day: date, buckets: int) -> date:
        moved: date = pl.Series([day]).dt.offset_by(f"{buckets}{OFFSETS[self.freq]}")[0]
        return moved


def all_sets(folder: Path = SHARED) -> list[Panel]:
    """The sets in the order of their promises."""
    return [make(folder) for make in (m5_departments, m5_items, frat, stallion, walmart)]


def m5_departments(folder: Path) -> Panel:
    """Walmart's M5 as 70 daily series of store × department, with the days of events and of food stamps (snap)."""
    demand = folder / "demand/m5"
    store = pl.col("store_id")
    sold = pl.read_parquet(demand / "sales_daily_store_dept.parquet").select(
        pl.concat_str("store_id", "dept_id", separator="/").alias("unique_id"),
        pl.col("date").alias("ds"),
        pl.col("sales").cast(pl.Float64).alias("y"),
        store.str.slice(0, 2).alias("state"),
        store.alias("store"),
        pl.col("dept_id").str.split("_").list.first().alias("category"),
        pl.col("dept_id").alias("department"),
    )
    snap = pl.coalesce(pl.when(pl.col("state") == name).then(pl.col(f"snap_{name}")) for name in ("CA", "TX", "WI"))
    frame = sold.join(_events(demand), on="ds").with_columns(snap.cast(pl.Float64).alias("snap"))
    known = ("event", "event_kind", "second_event", "snap")
    static = ("state", "store", "category", "department")
    return Panel("M5 store × department", _kept(frame, static, known), "D", 28, static, known)


def m5_items(folder: Path) -> Panel:
    """280 daily series of item × store of M5, with prices, events and food stamps."""
    demand = folder / "demand/m5"
    frame = (
        pl.read_parquet(demand / "tiny_daily_item_store.parquet")
        .select(
            pl.concat_str("item_id", "store_id", separator="/").alias("unique_id"),
            pl.col("date").alias("ds"),
            pl.col("sales").cast(pl.Float64).alias("y"),
            pl.col("state_id").alias("state"),
            pl.col("store_id").alias("store"),
            pl.col("cat_id").alias("category"),
            pl.col("dept_id").alias("department"),
            pl.col("item_id").alias("item"),
            pl.col("snap").cast(pl.Float64),
            pl.col("sell_price").cast(pl.Float64).alias("price"),
        )
        .join(_events(demand), on="ds")
        # Without a price an item is not on the shelf yet: no row, as a shop's own records would have none.
        .filter(pl.col("price").is_not_null())
    )
    known = ("event", "event_kind", "second_event", "snap", "price")
    static = ("state", "store", "category", "department", "item")
    return Panel("M5 280 items", _kept(frame, static, known), "D", 28, static, known)


def frat(folder: Path) -> Panel:
    """Breakfast at the Frat: weekly units of store × product, with the plan of prices, features and displays."""
    promotion = folder / "promotion/frat"
    products = pl.read_parquet(promotion / "product.parquet").select(
        "upc_id", "category", "sub_category", "manufacturer"
    )
    stores = pl.read_parquet(promotion / "store.parquet").select("store_id", pl.col("seg_value_name").alias("segment"))
    frame = (
        pl.read_parquet(promotion / "sales_weekly.parquet")
        .join(products, on="upc_id", how="left")
        .join(stores.unique("store_id", keep="first", maintain_order=True), on="store_id", how="left")
        .select(
            pl.concat_str("store_id", "upc_id", separator="/").alias("unique_id"),
            pl.col("week_end_date").alias("ds"),
            pl.col("units").cast(pl.Float64).alias("y"),
            pl.col("store_id").alias("store"),
            pl.col("upc_id").alias("product"),
            "category",
            "sub_category",
            "manufacturer",
            "segment",
            pl.col("price").cast(pl.Float64),
            pl.col("base_price").cast(pl.Float64),
            *(pl.col(name).cast(pl.Float64) for name in ("feature", "display")),
            pl.col("tpr_only").cast(pl.Float64).alias("tpr"),
        )
    )
    static = ("store", "product", "category", "sub_category", "manufacturer", "segment")
    known = ("price", "base_price", "feature", "display", "tpr")
    return Panel("Breakfast at the Frat", _kept(frame, static, known), "W", 8, static, known)


def stallion(folder: Path) -> Panel:
    """Monthly volumes of a beverage maker by agency × product, with price, discount and public days."""
    days = ("easter_day", "good_friday", "new_year", "christmas", "labor_day", "independence_day")
    more = ("revolution_day_memorial", "regional_games", "football_gold_cup", "beer_capital", "music_fest")
    frame = pl.read_parquet(folder / "demand/stallion/volume_monthly.parquet").select(
        pl.concat_str("agency", "sku", separator="/").alias("unique_id"),
        pl.col("date").alias("ds"),
        pl.col("volume").alias("y"),
        "agency",
        pl.col("sku").alias("product"),
        pl.col("price_regular").alias("regular_price"),
        pl.col("price_actual").alias("price"),
        "discount",
        *(pl.col(name).cast(pl.Float64).alias(f"{name}_event") for name in (*days, *more)),
    )
    static = ("agency", "product")
    known = ("regular_price", "price", "discount", *(f"{name}_event" for name in (*days, *more)))
    return Panel("Stallion", _kept(frame, static, known), "MS", 6, static, known)


def walmart(folder: Path) -> Panel:
    """Weekly sales of 3,331 store × department series, with holidays and markdowns."""
    demand = folder / "demand/walmart"
    stores = pl.read_parquet(demand / "stores.parquet").select("Store", pl.col("Type").alias("format"))
    markdowns = [f"MarkDown{number}" for number in range(1, 6)]
    planned = pl.read_parquet(demand / "features.parquet").select("Store", "Date", *markdowns)
    frame = (
        pl.read_parquet(demand / "train.parquet")
        .join(stores, on="Store")
        .join(planned, on=["Store", "Date"], how="left")
        .select(
            pl.concat_str("Store", "Dept", separator="/").alias("unique_id"),
            pl.col("Date").alias("ds"),
            # Returns above sales make 1,285 weeks negative: demand is not.
            pl.col("Weekly_Sales").clip(lower_bound=0.0).alias("y"),
            pl.col("Store").cast(pl.String).alias("store"),
            pl.col("Dept").cast(pl.String).alias("department"),
            "format",
            pl.col("IsHoliday").cast(pl.Float64).alias("holiday"),
            *(pl.col(name).fill_null(0.0).clip(lower_bound=0.0).alias(name.lower()) for name in markdowns),
        )
    )
    static = ("store", "department", "format")
    known = ("holiday", *(name.lower() for name in markdowns))
    return Panel("Walmart", _kept(frame, static, known), "W", 8, static, known)


def _events(demand: Path) -> pl.DataFrame:
    return pl.read_parquet(demand / "calendar.parquet").select(
        pl.col("date").alias("ds"),
        pl.col("event_name_1").fill_null("").alias("event"),
        pl.col("event_type_1").fill_null("").alias("event_kind"),
        pl.col("event_name_2").fill_null("").alias("second_event"),
        "snap_CA",
        "snap_TX",
        "snap_WI",
    )


def _kept(frame: pl.DataFrame, static: tuple[str, ...], known: tuple[str, ...]) -> pl.DataFrame:
    return frame.select("unique_id", "ds", "y", *static, *known).sort("unique_id", "ds")
