"""What the warehouse costs at scale: sales by channel and day, and RFM, against bare scans; a night against it all."""

from __future__ import annotations

import os
import resource
import shutil
import tempfile
import time
from pathlib import Path
from statistics import median

import duckdb
import polars as pl

from benchmarks.receipts import SKUS, STORES, Receipts
from benchmarks.report import Figure, report
from tillmill.health import FROZEN
from tillmill.reference import SHIPPED
from tillmill.transform import Transformer

COMMAND = "make bench-warehouse"
LINES = int(os.environ.get("LINES", 5_000_000 if os.environ.get("QUICK") else 50_000_000))
# As many lines a day whatever the size, so that a tenth is as dense.
DAYS = max(8, LINES * 365 // 50_000_000)
# Each night brings one line in a hundred: on the days after the last one and, one of fifty of them late, before it.
NIGHTS = 3
NEW_DAYS = max(1, round(DAYS / 100))
LATE_DAYS = max(1, NEW_DAYS // 2)
# What is left of 4 GiB is for what the engine does not count, and for dbt.
MEMORY = "2500MB"
PEAK_GIB = 4.0
STAGING = "stg_pos__sale_lines_all"
FACT = "fct_sales_line"
DAILY = ("mart_channel_daily", "int_sales_basis", "int_channel_basis")
RFM = ("int_customer_scores",)
# The models between the fact and the mart.
BY_CHANNEL = (
    "int_cost_rates", "int_web_costs", "int_campaign_costs", "int_channel_costs",
    "int_channel_restated_days", "mart_channel_daily",
)  # fmt: skip
READ_BY_CHANNEL = (
    "is_counted", "is_revenue", "sales_view", "line_kind", "is_first_of_sku", "channel_id", "shop_id", "location_id",
    "region", "sku", "sold_on", "units", "gross_sales_amount", "discount_amount", "borne_by_others_amount",
    "refund_amount", "tax_amount", "net_sales_amount", "cost_amount",
)  # fmt: skip
KEYS = ("channel_id", "shop_id", "location_id", "region", "sku", "sold_on")
AMOUNTS = tuple(column for column in READ_BY_CHANNEL if column == "units" or column.endswith("_amount"))
# What no way to the mart can do without, whatever it costs to write.
GROUPED = (
    f"select {', '.join(f'max({column})' for column in AMOUNTS)} from (select {', '.join(KEYS)}, "
    f"{', '.join(f'sum({column}) as {column}' for column in AMOUNTS)} from {FACT} group by all) as grouped"
)
READ_BY_RFM = (
    "is_counted", "is_revenue", "record_token", "_source", "sale_id", "line_kind", "sold_on", "sku", "channel_id",
    "net_sales_amount",
)  # fmt: skip


def main() -> None:
    """Makes receipts, builds the warehouse whole and with a night more, reports ratios (QUICK=1: a tenth; LINES=n)."""
    with tempfile.TemporaryDirectory(prefix="bench-warehouse-") as name:
        folder = Path(name)
        receipts = make(folder / "lake")
        candidate = folder / "candidate.duckdb"
        with Transformer(environment(folder), folder, folder / "logs", folder / "target") as dbt:
            whole = build(folder, receipts, dbt, DAILY)
            daily_scan = scan(candidate, READ_BY_CHANNEL)
            grouping = seconds_of(candidate, GROUPED)
            rfm = build(folder, receipts, dbt, RFM)["int_customer_scores"]
            rfm_scan = scan(candidate, READ_BY_RFM)
            nights = []
            for number in range(NIGHTS):
                land_night(receipts, number)
                nights.append(build(folder, receipts, dbt, DAILY))
        # The child that dbt runs in has ended, and is the only one.
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    by_channel = sum(whole[model] for model in BY_CHANNEL)
    bare, bare_rfm = (f"bare scan of its columns, {took:.2f} s" for took in (daily_scan, rfm_scan))
    again = median(sum(night.values()) for night in nights) / sum(whole.values())
    full = f"full build, {sum(whole.values()):.0f} s; to reach"
    found = (
        ("channel_daily from the fact", by_channel / daily_scan, "× scan", f"{bare}; to reach", 2.5),
        ("the mart's groups alone, summed and kept nowhere", grouping / daily_scan, "× scan", bare, 1.0),
        ("RFM", rfm / rfm_scan, "× scan", f"{bare_rfm}; to reach", 4.5),
        ("staging", whole[STAGING] / daily_scan, "× scan", bare, 1.0),
        ("the fact from staging", whole[FACT] / daily_scan, "× scan", bare, 1.0),
        (f"1 % more, restated (median of {NIGHTS} nights)", again, "of the full time", full, 0.05),
        ("peak memory", peak, "GiB", "to stay under", PEAK_GIB),
    )
    report(
        "warehouse",
        [
            Figure(f"{LINES:,} lines: {what}", value, unit, "lower", peer, limit, COMMAND)
            for what, value, unit, peer, limit in found
        ],
    )
    for title, seconds in (
        ("full build", whole),
        *((f"night {number + 1}", night) for number, night in enumerate(nights)),
    ):
        slowest = sorted(seconds.items(), key=lambda one: -one[1])[:8]
        print(
            f"{title}, {sum(seconds.values()):.1f} seconds: "
            + ", ".join(f"{model} {took:.1f}" for model, took in slowest)
        )


def make(folder: Path) -> Receipts:
    """A lake of LINES receipt lines over DAYS days, with the stores, products, cost rates and customers they name."""
    receipts = Receipts(folder)
    receipts.land(
        "pos.stores",
        "select 'S' || lpad(cast(range as varchar), 3, '0') as store_id, 'store' as channel_id, 'East' as region, "
        "'Asia/Shanghai' as timezone, timestamptz '2025-01-01 00:00:00+00' as updated_at from range($n)",
        STORES,
        n=STORES,
    )
    receipts.land(
        "erp.items",
        "select 'P' || lpad(cast(range as varchar), 4, '0') as sku, 'C' || cast(range % 12 as varchar) as category, "
        "2 + range % 20 as standard_cost, 4 + range % 40 as list_price, 'CNY' as currency, "
        "timestamptz '2025-01-01 00:00:00+00' as updated_at from range($n)",
        SKUS,
        n=SKUS,
    )
    receipts.land(
        "erp.costs",
        "select '*' as channel_id, '*' as shop_id, '*' as category, kind as cost_kind, rate, "
        "date '2024-01-01' as valid_from, timestamptz '2025-01-01 00:00:00+00' as observed_at "
        "from (values ('commission', 0.02), ('payment', 0.006), ('logistics', 0.04)) as rates (kind, rate)",
        3,
    )
    receipts.land_lines(0, LINES, first_day=0, days=DAYS)
    receipts.land_identities()
    return receipts


def land_night(receipts: Receipts, number: int) -> None:
    """Lands one line in a hundred: most on new days, one of fifty on days that are built already."""
    new = LINES // 100
    late = new // 50
    first, day = LINES + number * new, DAYS + number * NEW_DAYS
    receipts.land_lines(first, first + new - late, first_day=day, days=NEW_DAYS)
    receipts.land_lines(first + new - late, first + new, first_day=day - LATE_DAYS, days=LATE_DAYS)


def environment(folder: Path) -> dict[str, str]:
    """What dbt is told, as the pipeline tells it; writes the reference and health files that it names."""
    shutil.copytree(SHIPPED, folder / "reference")
    (folder / "health").mkdir()
    for name, schema in FROZEN.items():
        pl.DataFrame(schema=schema).write_parquet(folder / "health" / f"{name}.parquet")
    return {
        "TILLMILL_CANDIDATE": str(folder / "candidate.duckdb"),
        "TILLMILL_MANIFEST": str(folder / "manifest.parquet"),
        "TILLMILL_HEALTH": str(folder / "health"),
        "TILLMILL_REFERENCE": str(folder / "reference"),
        "TILLMILL_CLOCK": "2026-01-10 04:00:00.000000",
        "TILLMILL_CURRENCY": "CNY",
        "TILLMILL_TIMEZONE": "Asia/Shanghai",
        "TILLMILL_DAY_STARTS_AT": "00:00",
        "TILLMILL_MEMORY": MEMORY,
        "TZ": "UTC",
    }


def build(folder: Path, receipts: Receipts, dbt: Transformer, goals: tuple[str, ...]) -> dict[str, float]:
    """Seconds of each model that the goals need, as dbt took them: without its start, and without tests."""
    receipts.write_manifest(folder / "manifest.parquet")
    seconds: dict[str, float] = {}
    for one in ("pass_a", "pass_b"):
        # The transformer puts `tag:` before the first.
        seconds |= dbt.build(" tag:".join(f"{one},+{goal}" for goal in goals)).seconds
    return seconds


def scan(database: Path, columns: tuple[str, ...]) -> float:
    """Seconds to read the columns of the fact and keep the greatest of each."""
    return seconds_of(database, f"select {', '.join(f'max({column})' for column in columns)} from {FACT}")


def seconds_of(database: Path, query: str) -> float:
    """Seconds that a query of the candidate takes on dbt's two threads; median of three."""
    taken = []
    with duckdb.connect(str(database), read_only=True, config={"threads": 2, "memory_limit": MEMORY}) as connection:
        for _ in range(3):
            started = time.perf_counter()
            connection.execute(query).fetchall()
            taken.append(time.perf_counter() - started)
    return median(taken)


if __name__ == "__main__":
    main()
