"""A small chain for tests: one row per sku, store and week with sales or a placement, as the warehouse gives it."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

FIRST = date(2017, 1, 2)
PRICE = 2.0

Placement = tuple[str, list[str], list[int], str]  # sku, stores, weeks, 'display', 'mailer' or 'both'


def monday(week: int) -> date:
    return FIRST + timedelta(days=7 * week)


def stores(first: int, last: int) -> list[str]:
    return [f"{number:03d}" for number in range(first, last)]


def chain(
    placements: list[Placement],
    *,
    skus: tuple[str, ...] = ("milk",),
    count: int = 30,
    weeks: int = 30,
    mean: float = 4.0,
    lift: float = 1.0,
    mailer_lift: float = 0.5,
    price_on_display: float = PRICE,
    seed: int = 1,
) -> pl.DataFrame:
    """Poisson sales of stores of unlike size; a display sells `lift` more, a mailer `mailer_lift` more."""
    random = np.random.default_rng(seed)
    shown = {(sku, store, week): kind for sku, some, on, kind in placements for store in some for week in on}
    rows = []
    for sku in skus:
        for number, store in enumerate(stores(0, count)):
            usual = mean * (0.4 + 1.2 * number / count)
            for week in range(weeks):
                kind = shown.get((sku, store, week), "")
                display, mailer = kind in {"display", "both"}, kind in {"mailer", "both"}
                expected = usual * (1.2 + np.sin(week / 6) / 5) * (1 + lift * display) * (1 + mailer_lift * mailer)
                units = int(random.poisson(expected))
                if units or kind:
                    price = price_on_display if display else PRICE
                    rows.append((sku, store, monday(week), units, units * price, price, display, mailer))
    schema = {
        "sku": pl.String,
        "store_id": pl.String,
        "week_on": pl.Date,
        "units": pl.Float64,
        "net_sales_amount": pl.Float64,
        "price_amount": pl.Float64,
        "is_display": pl.Boolean,
        "is_mailer": pl.Boolean,
    }
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns(
        pl.col("units").cast(pl.Decimal(18, 3)), pl.col("net_sales_amount").cast(pl.Decimal(18, 4))
    )
