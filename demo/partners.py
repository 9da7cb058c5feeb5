"""Whoever reports on their own: suppliers of parts, who distributors are, a key account's portal, shops' bills.

Everything here is told again from what the warehouse, the tills and the web shops have: no unit moves because of it.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from demo import days, factory

MONEY, UNITS = pl.Decimal(12, 2), pl.Decimal(12, 3)
# Which supplier brings a part, by the first of these its name starts with.
SUPPLIERS = {"RM-RAW-MILK": "V100", "RM-CREAM": "V100", "RM-": "V200", "PK-": "V300"}
# Neighbourhood stores of a region are served through a distributor: goods go there directly, title goes through it.
DISTRIBUTORS = {"Great Lakes": "D1", "Southeast": "D2"}
RETAILER, RETAILER_FORMAT = "K10", "hypermarket"
PLATFORM_RATES = {"commission": "0.05", "service_fee": "0.006"}
# This week's bill of shop_b came with a commission that was taken back the week after.
WRONG_BILL, WRONG_COMMISSION = date(2017, 10, 2), "0.06"


def purchases(movements: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Orders for parts (erp.purchase_orders) and what suppliers write about them, from the mill's weekly receipts.

    An order is placed in the second week before and closed by its receipt; each Monday a supplier writes what it has
    brought, and what it will bring in a week.
    """
    received = movements.filter(
        (pl.col("site") == factory.PLANT) & (pl.col("type") == "receipt") & pl.col("material").str.contains("^(RM|PK)-")
    )
    by_start = pl.coalesce(
        pl.when(pl.col("material").str.starts_with(start)).then(pl.lit(supplier))
        for start, supplier in SUPPLIERS.items()
    )
    lines = (
        received.with_columns(supplier=by_start, due_on=days.local_on(pl.col("moved_at")))
        .sort("moved_at", "supplier", "material")
        .with_columns(
            po_no=pl.format("PB{}-{}", pl.col("ref_no").str.strip_prefix("RM"), "supplier"),
            line=pl.int_range(1, pl.len() + 1).over("ref_no", "supplier"),
        )
    )
    head = ["po_no", "line", "supplier", "material"]
    day = days.day_of(pl.col("due_on"))
    placed, announced = days.to_utc(days.local_at(day - 12, 9 * 60)), days.to_utc(days.local_at(day - 7, 17 * 60))
    orders = [
        lines.select(*head, "qty", "due_on", received=qty.cast(UNITS), state=pl.lit(state), changed_at=moment)
        for qty, state, moment in ((pl.lit(0), "open", placed), (pl.col("qty"), "received", pl.col("moved_at")))
    ]
    letters = [
        lines.select(
            pl.col("po_no").str.replace("PB", "SD").alias("delivery_no"),
            *head,
            "qty",
            eta_on="due_on",
            received_at=received_at,
            written_at=moment,
        )
        for received_at, moment in (
            (pl.lit(None, pl.Datetime("us", "UTC")), announced),
            (pl.col("moved_at"), days.to_utc(days.local_at(day, 17 * 60))),
        )
    ]
    return (
        pl.concat(orders).with_columns(plant=pl.lit(factory.PLANT), known_at="changed_at").sort("known_at", *head),
        pl.concat(letters).with_columns(known_at="written_at").sort("known_at", *head),
    )


def distributors() -> pl.DataFrame:
    """distributor.partners: who they are, from the year before on."""
    return pl.DataFrame(
        [(name, region, "1", "standard", date(2015, 1, 1)) for region, name in DISTRIBUTORS.items()],
        schema=["distributor", "territory", "tier", "price_group", "valid_from"],
        orient="row",
    ).with_columns(known_at=days.to_utc(days.local_at(pl.lit(-6), 9 * 60)))


def sell_out(sales: pl.DataFrame, stores: pl.DataFrame) -> pl.DataFrame:
    """retail.sell_out: what a key account's portal shows of the day before, store by store, under its own codes."""
    own = stores.filter(pl.col("FORMAT") == RETAILER_FORMAT).select("STORE_ID")
    return (
        sales.join(own, on="STORE_ID", how="semi", maintain_order="left")
        .with_columns(on=days.local_on(pl.col("TRANSACTION_TIMESTAMP")))
        .group_by("on", "STORE_ID", "PRODUCT_ID")
        .agg(pl.col("QUANTITY").sum(), pl.col("SALES_VALUE").sum())
        .sort("on", "STORE_ID", "PRODUCT_ID")
        .select(
            Retailer=pl.lit(RETAILER),
            Store=pl.lit(RETAILER + "-") + pl.col("STORE_ID"),
            Article="PRODUCT_ID",
            Date="on",
            Units="QUANTITY",
            Turnover="SALES_VALUE",
            Listed=pl.lit("Y"),
            known_at=days.to_utc(days.local_at(days.day_of(pl.col("on")) + 1, 9 * 60)),
        )
    )


def bills(paid: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """settlement.lines: each week's paid orders of a shop on the bill of the Wednesday after; one bill issued again.

    `paid`: shop, number, on (the day it was paid), total, currency. `others`: what else stands on a bill, with kind,
    amount and refund_no.
    """
    paid, others = (
        frame.with_columns(monday=pl.col("on") - pl.duration(days=pl.col("on").dt.weekday() - 1))
        for frame in (paid, others)
    )
    issued = pl.concat([_bill(paid, PLATFORM_RATES), _billed(others)])
    wrong = paid.filter(pl.col("shop") == "shop_b", pl.col("monday") == WRONG_BILL)
    first = _bill(wrong, PLATFORM_RATES | {"commission": WRONG_COMMISSION})
    again = issued.join(first.select("statement", "line"), on=["statement", "line"], how="semi").with_columns(
        issued_at=pl.col("issued_at") + pl.duration(days=7), known_at=pl.col("known_at") + pl.duration(days=7)
    )
    right = issued.join(first.select("statement", "line"), on=["statement", "line"], how="anti")
    return pl.concat([right, first, again]).sort("known_at", "shop", "statement", "line")


def _bill(paid: pl.DataFrame, rates: dict[str, str]) -> pl.DataFrame:
    """One line of income and one per fee for each order."""
    parts = {"income": pl.col("total")} | {
        kind: -(pl.col("total") * pl.lit(rate).cast(pl.Decimal(6, 4))).round(2) for kind, rate in rates.items()
    }
    nothing = pl.lit(None, pl.String)
    return pl.concat(
        _billed(paid.with_columns(kind=pl.lit(kind), amount=amount, refund_no=nothing))
        for kind, amount in parts.items()
    )


def _billed(rows: pl.DataFrame) -> pl.DataFrame:
    """The lines of the bill, issued on the Wednesday after the week's Monday."""
    moment = days.to_utc(days.local_at(days.day_of(pl.col("monday")) + 9, 10 * 60))
    return rows.select(
        "shop",
        pl.format("{}-{}", "shop", pl.col("monday").dt.strftime("%G%V")).alias("statement"),
        pl.format("{}-{}", pl.coalesce("refund_no", "number"), "kind").alias("line"),
        "number",
        "refund_no",
        "kind",
        amount=pl.col("amount").cast(MONEY),
        currency="currency",
        issued_at=moment,
        known_at=moment,
    )
