"""What was sold, of what, where: the published tables of sales for the portal's tests."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from tests.apps.brand import FIRST, MARKUP, PRODUCTS, WEEKS, Table


def marts() -> dict[str, pl.DataFrame]:
    """The tables by name."""
    lines = _sale_lines()
    daily = (
        lines.filter(~pl.col("is_suspect"), pl.col("sales_view") == "sell_out")
        .group_by("channel_id", "shop_id", "location_id", "region", "sku", "sold_on", maintain_order=True)
        .agg(pl.col("sale_id").n_unique().cast(pl.Int64).alias("orders"), _summed("units"), *map(_summed, _AMOUNTS))
        .join(_products().filter("is_current").select("sku", "category"), on="sku")
        .with_columns((pl.col("net_sales_amount") - pl.col("cost_amount")).alias("contribution_margin_1_amount"))
        .with_columns(fulfilment_amount=pl.lit(1.5), platform_fee_amount=pl.lit(0.5), ads_amount=pl.lit(0.0))
        .with_columns(influencer_amount=pl.lit(0.0), trade_spend_amount=pl.lit(2.0), write_off_amount=pl.lit(0.0))
        .with_columns(contribution_margin_2_amount=pl.col("contribution_margin_1_amount").cast(pl.Float64) - 2.0)
        .with_columns(contribution_margin_3_amount=pl.col("contribution_margin_2_amount") - 2.0)
        .with_columns(gmv_amount=pl.col("net_sales_amount") + pl.col("tax_amount"))
        .with_columns(estimated_amount=pl.lit(0.25), settled_sales_amount=pl.lit(3.0))
    )
    return {
        "fct_sales_line": lines,
        "mart_channel_daily": daily,
        "channels": _channels(),
        "mart_suspect_order": _suspects(),
        "dim_product": _products(),
        "dim_location": _locations(),
        "mart_promotion": _promotions(),
        "mart_presale": _presales(),
        "mart_decision": _decisions(),
    }


_AMOUNTS = ("gross_sales_amount", "discount_amount", "refund_amount", "tax_amount", "net_sales_amount", "cost_amount")


def _summed(column: str) -> pl.Expr:
    return pl.col(column).sum()


def _sale_lines() -> pl.DataFrame:
    rows: Table = []
    for week in range(WEEKS):
        for number, (sku, _, _) in enumerate(PRODUCTS):
            for channel in ("store", "shop_a"):
                day = FIRST + timedelta(weeks=week, days=number)
                net = 10.0 + number + (5.0 if week >= 12 and sku == "01" else 0.0)
                buyer = (week + number) % 4
                rows.append(
                    {
                        "sales_line_id": f"{week}-{sku}-{channel}",
                        "sales_view": "sell_out",
                        "is_revenue": True,
                        "is_counted": True,
                        "is_suspect": False,
                        "_source": "pos" if channel == "store" else channel,
                        "sale_id": f"{week}-{channel}-{number}",
                        "line_no": 1,
                        "line_kind": "sale",
                        "channel_id": channel,
                        "shop_id": "-" if channel == "store" else channel,
                        "location_id": "S1" if channel == "store" else "-",
                        "region": "North" if channel == "store" else "-",
                        "sku": sku,
                        "sold_at": datetime(day.year, day.month, day.day, 15, tzinfo=UTC),
                        "sold_on": day,
                        "units": 2.0,
                        "gross_sales_amount": net + 2.0,
                        "discount_amount": 2.0,
                        "refund_amount": 0.0,
                        "tax_amount": 0.0,
                        "net_sales_amount": net,
                        "net_sales_with_tax_amount": net,
                        "cost_amount": 4.0,
                        "record_token": f"r{buyer}",
                    }
                )
    rows.append(rows[0] | {"sales_line_id": "fake", "sale_id": "fake", "is_suspect": True, "net_sales_amount": 9999.0})
    rows.append(rows[0] | {"sales_line_id": "in", "sale_id": "in", "sales_view": "sell_in", "net_sales_amount": 9999.0})
    money = [pl.col(name).cast(pl.Decimal(18, 4)) for name in (*_AMOUNTS, "net_sales_with_tax_amount")]
    return pl.DataFrame(rows).with_columns(pl.col("units").cast(pl.Decimal(18, 3)), *money)


def _channels() -> pl.DataFrame:
    rows = [("store", "Stores", "门店", "store"), ("shop_a", "Shop A", "甲店", "web")]
    return pl.DataFrame(rows, schema=["channel_id", "name", "name_zh", "kind"], orient="row")


def _suspects() -> pl.DataFrame:
    day = FIRST + timedelta(weeks=WEEKS - 3)
    rows = [("f1", day, True, 40.0), ("f2", day, True, 2.5), ("honest", day, False, 1000.0)]
    frame = pl.DataFrame(rows, schema=["order_id", "ordered_on", "is_suspect", "net_sales_amount"], orient="row")
    is_honest = pl.col("order_id") == "honest"
    return frame.with_columns(
        channel_id=pl.lit("shop_a"),
        shop_id=pl.lit("shop_a"),
        region=pl.lit("-"),
        verdict=pl.when(is_honest).then(pl.lit("honest")),
        verdict_by=pl.when(is_honest).then(pl.lit("kim")),
        verdict_reason=pl.when(is_honest).then(pl.lit(MARKUP)),
        sign_count=pl.lit(2, pl.Int32),
        is_burst=pl.lit(True),
        is_light=pl.lit(False),
        is_unmoved=pl.lit(True),
        is_instant=pl.lit(False),
        is_flagged_by_shop=pl.lit(False),
        units=pl.lit(1.0),
    )


def _products() -> pl.DataFrame:
    rows = [{"sku": sku, "name": name, "category": category, "is_current": True} for sku, name, category in PRODUCTS]
    return pl.DataFrame([*rows, {"sku": "01", "name": "Milk, old name", "category": "Old", "is_current": False}])


def _locations() -> pl.DataFrame:
    rows = [("S1", "Store 1", "store", "store", "North", True), ("DC", "Centre", "dc", "-", "-", True)]
    return pl.DataFrame(rows, schema=["location_id", "name", "kind", "channel_id", "region", "is_ours"], orient="row")


def _promotions() -> pl.DataFrame:
    def run(
        name: str, sku: str, low: float | None, value: float | None, high: float | None, why: str
    ) -> dict[str, Any]:
        verdict = "measured" if value is not None else "not measurable"
        return {
            "promotion_id": name, "sku": sku, "channel_id": "store", "kind": "mailer", "starts_on": FIRST,
            "ends_on": FIRST + timedelta(days=6), "treated_stores": 5, "treated_units": 100.0,
            "baseline_units": 80.0 if value is not None else None, "incremental_units": value, "low_units": low,
            "high_units": high, "lift_rate": value / 80 if value is not None else None, "p_placebo": 0.05,
            "margin_amount": value, "roi": None, "verdict": verdict, "why": why,
        }  # fmt: skip

    chance = "25.0% more than expected, judged against 40 placebo dates: more than chance"
    maybe = "6.2% less than expected, judged against 40 placebo dates: it may be chance"
    return pl.DataFrame(
        [
            run("a", "01", 5.0, 20.0, 35.0, chance),
            run("b", "02", -20.0, -5.0, 10.0, maybe),
            run("c", "03", None, None, None, "only 3 stores were without it; 8 are needed"),
            run("d", "03", None, None, None, "a reason nobody wrote before"),
        ],
        schema_overrides={"roi": pl.Float64},
    )


def _presales() -> pl.DataFrame:
    """Two days of deposits of a hostile promotion, five orders and one; one is open still, one lapsed."""
    counts = [(FIRST, 5, 3, 1, 1), (FIRST + timedelta(days=1), 1, 1, 0, 0)]
    rows = [
        {
            "shop_id": "shop_a", "channel_id": "shop_a", "promotion_id": MARKUP, "deposit_on": on,
            "deposit_orders": orders, "balance_paid_orders": paid, "open_orders": still, "lapsed_orders": lapsed,
            "balance_conversion_rate": paid / orders, "deposit_amount": 2.0 * orders, "presold_amount": 10.0 * orders,
            "balance_paid_amount": 8.0 * paid, "open_balance_amount": 8.0 * still, "lost_balance_amount": 8.0 * lapsed,
            "refunded_deposit_amount": 0.5 * lapsed, "forfeited_deposit_amount": 1.5 * lapsed,
        }
        for on, orders, paid, still, lapsed in counts
    ]  # fmt: skip
    return pl.DataFrame(rows)


def _decisions() -> pl.DataFrame:
    """A promotion that was measured, an export that brought more than expected, one with hostile words still open."""
    shared = {"author": "kim", "basis": "last year's", "decided_at": datetime(2017, 11, 6, 15, tzinfo=UTC)}
    rows: Table = [
        {
            "decision_id": "d1",
            "kind": "promotion",
            "subject": "p1",
            "expected": 400.0,
            "realised": 250.0,
            "by": "measured",
        },
        {
            "decision_id": "d2",
            "kind": "activation",
            "subject": "e1",
            "expected": 100.0,
            "realised": 180.5,
            "by": "stated",
        },
        {"decision_id": "d3", "kind": "price", "subject": MARKUP, "expected": 90.0, "realised": None, "by": None},
    ]
    told = pl.DataFrame([shared | row for row in rows])
    return told.select(
        "decision_id", "kind", "subject", "author", "decided_at", "basis",
        pl.col("decided_at").dt.date().alias("decided_on"),
        pl.col("expected").alias("expected_amount"),
        pl.col("realised").alias("realised_amount"),
        pl.when(pl.col("by").is_not_null()).then(date(2017, 12, 4)).alias("realised_on"),
        pl.col("by").alias("realised_by"),
        (pl.col("realised") - pl.col("expected")).alias("deviation_amount"),
    )  # fmt: skip
