"""The rows that every ingestion benchmark lands: till lines as a source would send them, made from their number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import polars as pl

from ingestion.connectors.page import Page
from ingestion.contracts.pos import SALE_LINES
from ingestion.sources import Stream

PAGE_ROWS = 250_000
READ_AT = datetime(2026, 1, 1, tzinfo=UTC)
# Tokens on two columns: 200,000 members, and an order number for every fifth line.
CONTRACT = replace(SALE_LINES, personal=("member_id", "platform_order_id"))


def page(number: int) -> Page:
    """Page `number` of PAGE_ROWS text records; no two lines are alike."""
    line = pl.int_range(number * PAGE_ROWS, (number + 1) * PAGE_ROWS, eager=True).alias("line")
    receipt = pl.col("line") // 5
    # Hashes stand in for chance: prices, products and members as irregular as real ones, the same in every run.
    cents, units, sku = (pl.col("line").hash(seed) for seed in (1, 2, 3))
    cents, units, sku = cents % 4000 + 49, units % 100 // 80 + 1, sku % 1300
    store, member = receipt.hash(4) % 300, receipt.hash(5) % 200_000
    sold = pl.lit(datetime(2025, 1, 1, tzinfo=UTC)) + pl.duration(seconds=receipt * 3 + receipt.hash(6) % 3)
    records = line.to_frame().select(
        sale_id=pl.lit("R") + receipt.cast(pl.String).str.zfill(10),
        line_no=(pl.col("line") % 5 + 1).cast(pl.String),
        store_id=pl.lit("S") + store.cast(pl.String).str.zfill(4),
        till_id=(receipt.hash(7) % 7).cast(pl.String),
        sold_at=sold.dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        sku=(sku + 100_000).cast(pl.String),
        line_kind=pl.lit("sale"),
        units=units.cast(pl.String),
        unit_price=_money(cents),
        gross_amount=_money(cents * units),
        discount_amount=pl.lit("0.00"),
        net_amount=_money(cents * units),
        currency=pl.lit("USD"),
        member_id=pl.lit("M") + member.cast(pl.String).str.zfill(7),
        platform_order_id=pl.lit("P") + receipt.cast(pl.String).str.zfill(10),
        observed_at=sold.dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    return Page(records, {"page": number}, READ_AT, f"page {number}")


def _money(cents: pl.Expr) -> pl.Expr:
    return (cents // 100).cast(pl.String) + "." + (cents % 100).cast(pl.String).str.zfill(2)


def stream(count: int) -> Stream:
    """A stream of `count` pages behind its cursor."""

    def pages(cursor: dict[str, Any] | None) -> Iterator[Page]:
        first = cursor["page"] + 1 if cursor else 0
        return (page(number) for number in range(first, count))

    return Stream(
        source="bench",
        name=CONTRACT.name,
        contract=CONTRACT,
        max_quarantined_rate=0.2,
        rules={},
        timezone="UTC",
        deletes=None,
        currency="USD",
        calling_code="1",
        where="benchmark",
        pages=pages,
    )
