"""A small published workspace for the portal's tests: 16 weeks of three products, two of them with hostile names."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from tests.apps import factory_marts
from tests.dbt_project.metrics import defined

CLOCK = "2017-12-06T15:00:00+00:00"
FIRST = date(2017, 8, 14)
WEEKS = 17  # sixteen complete ones and the running one, of which Monday to Wednesday are sold
LAST_WEEK = FIRST + timedelta(weeks=WEEKS - 1)
FORMULA = '=HYPERLINK("http://evil","x")'
MARKUP = "<img src=x onerror=alert(1)> ![x](http://evil) **b** $y$ :material/bomb:"
HOSTILE_CATEGORY = "[Cheese](http://evil) **x**"
PRODUCTS = (("01", "Milk 1 l", "Milk"), ("02", FORMULA, "Milk"), ("03", MARKUP, HOSTILE_CATEGORY))
SETTINGS = """
[brand]
name = "Test"
currency = "USD"
timezone = "America/New_York"
[clock]
pinned = "run/clock"
"""
DECIMALS = {"units": pl.Decimal(18, 3)}
Table = list[dict[str, Any]]


def publish(root: Path, tables: dict[str, pl.DataFrame], version: int = 1) -> Path:
    """Writes `tables` as the published version of a workspace in `root` and points to it."""
    (root / "run").mkdir(parents=True, exist_ok=True)
    (root / "published").mkdir(exist_ok=True)
    (root / "tillmill.toml").write_text(SETTINGS)
    (root / "run" / "clock").write_text(CLOCK)
    file = root / "published" / f"warehouse-test-{version}.duckdb"
    with duckdb.connect(str(file)) as connection:
        for name, rows in tables.items():
            connection.register("rows", rows.to_arrow())
            connection.execute(f"create table {name} as select * from rows")
            connection.unregister("rows")
    pointer = {"version": version, "file": file.name, "published_at": CLOCK, "is_pinned": False}
    spool = root / "published" / "current.spool"
    spool.write_text(json.dumps(pointer))
    spool.rename(root / "published" / "current.json")
    return root


def empty(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The same tables without a row."""
    return {name: rows.clear() for name, rows in tables.items()}


def marts() -> dict[str, pl.DataFrame]:
    """Every published table that the portal reads, with the columns of the marts."""
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
        .with_columns(estimated_amount=pl.lit(0.25), settled_sales_amount=pl.lit(3.0))
    )
    return {
        "mart_metric": _metrics(),
        "fct_sales_line": lines,
        "mart_channel_daily": daily,
        "mart_suspect_order": _suspects(),
        "dim_product": _products(),
        "dim_location": _locations(),
        "bridge_customer_identifier": _bridge(),
        "mart_customer_360": _customers(),
        "bridge_customer_consent": _consents(),
        "stg_customers__links": _links(),
        "mart_segment": _segment_sizes(),
        "mart_activation": _lists(),
        "mart_promotion": _promotions(),
        "mart_voice_post": _posts(),
        "mart_voice_alarm": _alarms(),
        "mart_forecast": _forecast(),
        "fct_stock_day": _stock_days(),
        "mart_stock_position": _positions(),
        "mart_stock_life": _lives(),
        "mart_order_service": _service(),
        "mart_channel_stock": _channel_stock(),
        "mart_stock_adjustment": _adjustments(),
        "int_customer_lines": _customer_lines(lines),
        "int_plan_attainment": _attainment(),
        "int_plan_load": _load(),
        "channels": _channels(),
        "mart_production_plan": _plan(),
        **factory_marts.marts(),
        "mart_data_health": _health(),
        "mart_load": _loads(),
        "mart_quarantine": _quarantine(),
        "mart_field_change": _fields(),
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


def _customer_lines(lines: pl.DataFrame) -> pl.DataFrame:
    """The counted lines of known buyers, as the warehouse resolves them."""
    counted = lines.filter("is_counted", ~pl.col("is_suspect"), pl.col("sales_view") == "sell_out")
    return (
        counted.join(_bridge().select("record_token", "customer_id"), on="record_token")
        .join(_products().filter("is_current").select("sku", "category"), on="sku")
        .with_columns(is_back=pl.col("line_kind").is_in(["refund", "return"]))
    )


def _metrics() -> pl.DataFrame:
    """The project's own metrics, as the warehouse publishes them."""
    rows = [
        {
            "metric": name,
            "label": metric["label"],
            "label_zh": metric["config"]["meta"]["label_zh"],
            "meaning": metric["description"],
            "meaning_zh": metric["config"]["meta"]["zh"],
            "format": metric["config"]["meta"]["format"],
            "digits": metric["config"]["meta"].get("digits"),
        }
        for name, metric in defined().metrics.items()
    ]
    return pl.DataFrame(rows, schema_overrides={"digits": pl.Int32}, infer_schema_length=None)


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
    rows = [("S1", "Store 1", "store", "store", "North"), ("DC", "Centre", "dc", "-", "-")]
    return pl.DataFrame(rows, schema=["location_id", "name", "kind", "channel_id", "region"], orient="row")


def _bridge() -> pl.DataFrame:
    rows = [(f"r{number}", f"c{number // 2}", "pos", "sale") for number in range(4)]
    bridge = pl.DataFrame(rows, schema=["record_token", "customer_id", "_source", "kind"], orient="row")
    return bridge.with_columns(seen_on=pl.lit(FIRST))


def _customers() -> pl.DataFrame:
    shared = {
        "first_order_on": FIRST,
        "last_order_on": date(2017, 12, 5),
        "recency_days": 1,
        "is_member": True,
        "tier": "gold",
    }
    rows = [
        {
            "customer_id": "c0", "frequency": 30, "monetary_amount": 600.0, "segment": "champion", **shared,
            "expected_value_amount": 250.0, "is_churn_alarm": False, "marketing_media": "email,sms",
        },
        {
            "customer_id": "c1", "frequency": 20, "monetary_amount": 400.0, "segment": "at risk", **shared,
            "expected_value_amount": 80.0, "is_churn_alarm": True, "marketing_media": "",
        },
    ]  # fmt: skip
    return pl.DataFrame(rows).with_columns(
        pl.lit("store").alias("favourite_channel_id"),
        pl.lit(HOSTILE_CATEGORY).alias("favourite_category"),
        alive_rate=pl.lit(0.9),
        expected_orders=pl.lit(12.0),
        expected_orders_low=pl.lit(4, pl.Int64),
        expected_orders_high=pl.lit(20, pl.Int64),
        expected_value_low_amount=pl.lit(20.0),
        expected_value_high_amount=pl.lit(500.0),
        quiet_after_days=pl.lit(30, pl.Int64),
        next_category=pl.lit("Milk"),
        next_category_rate=pl.lit(0.6),
        favourite_hour=pl.lit(17, pl.Int32),
        cohort_on=pl.lit(date(2017, 8, 1)),
        channels=pl.lit("shop_a,store"),
        city=pl.lit("Nanjing"),
        gender=pl.lit("F"),
        tags=pl.lit("[]"),
    )


def _consents() -> pl.DataFrame:
    at = datetime(2017, 9, 1, 12, tzinfo=UTC)
    rows = [("email", True), ("sms", False)]
    return pl.DataFrame(
        [
            {"customer_id": "c0", "purpose": "marketing", "medium": medium, "is_granted": granted, "answered_at": at}
            for medium, granted in rows
        ]
    )


def _links() -> pl.DataFrame:
    shared = {"left_record": "r0", "right_record": "r1", "verdict": "link", "weight": 1.0}
    return pl.DataFrame([{**shared, "rule": "member_id", "evidence": MARKUP}])


def _segment_sizes() -> pl.DataFrame:
    days = [date(2017, 11, 30), date(2017, 12, 5)]
    return pl.DataFrame(
        [
            {"segment_id": name, "version": 0, "as_of": day, "customers": count + place}
            for name, count in (("by_email", 1), ("lost", 0))
            for place, day in enumerate(days)
        ]
    )


def _lists() -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "export_id": "spring-1", "segment_id": "lost", "purpose": "marketing", "medium": "email",
                "exported_at": datetime(2017, 11, 1, 12, tzinfo=UTC), "is_complete": True, "exported_customers": 90,
                "held_out_customers": 10, "exported_buyers": 30, "held_out_buyers": 2,
            }
        ]
    )  # fmt: skip


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


def _posts() -> pl.DataFrame:
    """Two posts a week on each product, every fourth one bad; one is hostile, one in a language that nobody reads."""
    moods = (("good", 0.8), ("neutral", 0.1), ("good", 0.9), ("bad", -0.7))
    rows: Table = []
    for week in range(WEEKS - 1):
        for number, (sku, _, category) in enumerate(PRODUCTS):
            for place in range(2):
                label, score = moods[(week + number + 2 * place) % 4]
                rows.append(
                    {
                        "platform": "net", "post_id": f"P{len(rows)}",
                        "posted_on": FIRST + timedelta(weeks=week, days=place),
                        "sku": sku, "category": category, "language": "en", "score": score, "label": label,
                        "themes": '["freshness", "taste"]' if label == "bad" else "[]", "reach": 3,
                        "text": MARKUP if not rows else "Sour again, call [phone].",
                    }
                )  # fmt: skip
    rows[-1] |= {"sku": "-", "category": "-", "language": "und", "score": None, "label": "unknown", "themes": "[]"}
    return pl.DataFrame(rows)


def _alarms() -> pl.DataFrame:
    def alarm(on: date, kind: str, scope: str, is_new: bool) -> dict[str, Any]:
        return {
            "scope_kind": kind, "scope": scope, "theme": "freshness", "alarm_on": on, "complaints": 6, "posts": 8,
            "expected_complaints": 0.9, "excess": 12.6, "is_alarm": True, "is_new": is_new,
        }  # fmt: skip

    last = LAST_WEEK - timedelta(days=3)
    return pl.DataFrame(
        [
            alarm(last, "category", HOSTILE_CATEGORY, True),
            alarm(last, "sku", "03", True),
            alarm(last + timedelta(days=1), "sku", "03", False),
        ]
    )


def _forecast() -> pl.DataFrame:
    levels = {
        "q05_units": -4.0,
        "q10_units": -3.0,
        "q25_units": -1.0,
        "q50_units": 0.0,
        "q75_units": 1.0,
        "q90_units": 3.0,
        "q95_units": 4.0,
    }
    rows: Table = []
    for sku, _, _ in PRODUCTS:
        shared = {"sku": sku, "channel_id": "store", "location_id": "*", "freq": "W"}
        for week in range(WEEKS - 1):
            observed = 10.0 + (week % 3) * (1 if sku == "01" else -1)
            rows.append(
                {**shared, "bucket_on": FIRST + timedelta(weeks=week), "observed_units": observed, "is_history": True}
            )
        for week in range(4):
            mean = 12.0 + week
            rows.append(
                {
                    **shared,
                    "bucket_on": LAST_WEEK + timedelta(weeks=week),
                    "is_history": False,
                    "mean_units": mean,
                    **{name: mean + distance for name, distance in levels.items()},
                    "method": "naive",
                    "cutoff_on": LAST_WEEK - timedelta(days=1),
                }
            )
    return pl.DataFrame(rows, infer_schema_length=None)


def _stock_days() -> pl.DataFrame:
    def day(sku: str, lot: str, on: date, opening: float, into: float, out: float) -> dict[str, Any]:
        return {
            "location_id": "DC", "sku": sku, "lot_id": lot, "quality": "good", "stock_on": on, "opening_units": opening,
            "in_units": into, "out_units": out, "adjustment_units": 0.0, "closing_units": opening + into - out,
            "counted_units": None,
        }  # fmt: skip

    start = date(2017, 12, 1)
    rows = [
        day("01", "a", start, 0, 10, 0),
        day("02", "a", start, 0, 5, 0),
        day("01", "a", start + timedelta(days=2), 10, 0, 10),
        day("01", "b", start + timedelta(days=3), 0, 7, 0),
    ]
    columns = [name for name in rows[0] if name.endswith("_units")]
    return pl.DataFrame(rows).with_columns(pl.col(columns).cast(pl.Decimal(18, 3)))


def _positions() -> pl.DataFrame:
    shared: Table = [
        {"sku": "02", "on_hand_units": 1.0, "days_of_cover": 0.5, "expiry_risk_units": 0.0, "is_stock_out_risk": True},
        {"sku": "01", "on_hand_units": 7.0, "days_of_cover": 9.0, "expiry_risk_units": 3.0, "is_stock_out_risk": False},
        {
            "sku": "03",
            "on_hand_units": 4.0,
            "days_of_cover": None,
            "expiry_risk_units": 0.0,
            "is_stock_out_risk": False,
        },
    ]
    advice = {"02": "fill_up", "01": "sell_down", "03": "keep"}
    rows = [
        row
        | {
            "location_id": "DC", "available_units": row["on_hand_units"], "value_amount": row["on_hand_units"] * 2,
            "daily_demand_units": 1.0 if row["days_of_cover"] else 0.0, "lead_time_demand_units": 5.0,
            "is_out_of_stock": False, "stock_out_rate": 0.9 if row["is_stock_out_risk"] else 0.0,
            "expiry_risk_on": date(2017, 12, 9),
            "expiry_risk_amount": row["expiry_risk_units"] * 2, "expiry_next_on": date(2017, 12, 9),
            "fresh_units": row["on_hand_units"], "middle_units": 0.0, "late_units": 0.0, "expired_units": 0.0,
            "unknown_units": 0.0, "excess_units": 0.0, "excess_amount": 0.0, "advice": advice[row["sku"]],
        }
        for row in shared
    ]  # fmt: skip
    return pl.DataFrame(rows)


def _lives() -> pl.DataFrame:
    rows = [
        ("S1", "01", "store", 1, 10.0, 6.0, 4.0, 3),
        ("DC", "03", "shop_a", 30, 50.0, 50.0, 0.0, 5),
        ("DC", "02", "shop_a", 30, 50.0, 50.0, 0.0, 90),
    ]
    names = ["location_id", "sku", "channel_id", "least_days", "on_hand_units", "accepted_units", "refused_units"]
    return pl.DataFrame(rows, schema=[*names, "life_left_days"], orient="row")


def _service() -> pl.DataFrame:
    """Two web lines on time, one unknown; a trade account's three: on time, sent short by 2 of 6, not yet due."""
    on = LAST_WEEK - timedelta(weeks=1)
    rows = [
        ("web", "shop_a", "shop_a", 1.0, 1.0, 0.0, 1.0, True, True, "on_time_in_full"),
        ("web", "shop_a", "shop_a", 1.0, 1.0, 0.0, 1.0, True, None, "receipt_unknown"),
        ("trade", MARKUP, "-", 6.0, 6.0, 0.0, 1.0, True, True, "on_time_in_full"),
        ("trade", MARKUP, "-", 6.0, 4.0, 2.0, 4 / 6, True, False, "short_shipped"),
        ("trade", MARKUP, "-", 9.0, 0.0, 9.0, None, False, None, "open"),
    ]
    names = ["order_kind", "account_id", "channel_id", "ordered_units", "filled_units", "short_units", "fill_rate"]
    frame = pl.DataFrame(rows, schema=[*names, "is_due", "is_on_time_in_full", "reason"], orient="row")
    return frame.with_columns(sku=pl.lit("01"), requested_on=pl.lit(on))


def _channel_stock() -> pl.DataFrame:
    shared = {"distributor_id": MARKUP, "oldest_days": 12, "late_units": 0.0}
    return pl.DataFrame(
        [
            {
                **shared, "sku": sku, "week_on": week_on, "sell_in_units": bought, "sell_through_units": 4.0,
                "sell_in_4w_units": bought + 8, "sell_through_4w_units": 16.0, "closing_units": left,
                "weeks_of_cover": left / 4, "is_stuffed": left > 10,
            }
            for sku, week_on, bought, left in (
                ("01", LAST_WEEK - timedelta(weeks=1), 5.0, 1.0),
                ("01", LAST_WEEK, 0.0, 1.0),
                ("02", LAST_WEEK, 40.0, 37.0),
            )
        ]
    )  # fmt: skip


def _adjustments() -> pl.DataFrame:
    shared = {"location_id": "DC", "lot_id": FORMULA, "quality": "good", "counted_units": None}
    rows = [("01", date(2017, 12, 4), -1.0, 0.0, "counted"), ("03", date(2017, 12, 1), -2.0, -2.0, "unbooked")]
    return pl.DataFrame(
        [
            {
                **shared, "sku": sku, "stock_on": on, "adjustment_units": units, "unexplained_units": unbooked,
                "booked_units": units - unbooked, "value_amount": units * 2, "cause": cause,
            }
            for sku, on, units, unbooked, cause in rows
        ]
    )  # fmt: skip


def _attainment() -> pl.DataFrame:
    rows = [("L1", "01", date(2017, 11, 28), 100.0, 90.0), ("L1", "02", date(2017, 11, 29), 50.0, 50.0)]
    return pl.DataFrame(rows, schema=["line_id", "sku", "produced_on", "planned_units", "attained_units"], orient="row")


def _load() -> pl.DataFrame:
    weeks = [LAST_WEEK + timedelta(weeks=week) for week in range(3)]
    rows = [(line, week, 330.0, 310.0) for line in ("L1", "L2") for week in weeks]
    return pl.DataFrame(rows, schema=["line_id", "week_on", "load_minutes", "calendar_minutes"], orient="row")


def _plan() -> pl.DataFrame:
    rows: Table = []
    for line, sku, backorder in (("L1", "01", 0.0), ("L2", "03", 12.0)):
        rows += [
            {
                "line_id": line, "sku": sku, "week_on": LAST_WEEK + timedelta(weeks=week), "units": 100.0, "setups": 1,
                "run_minutes": 300.0, "setup_minutes": 30.0, "overtime_minutes": 20.0 if backorder else 0.0,
                "backorder_units": backorder, "safety_short_units": 0.0, "zone": "frozen", "available_minutes": 310.0,
                "demand_units": 100.0 + backorder, "utilisation_rate": 330.0 / 310.0,
            }
            for week in range(3)
        ]  # fmt: skip
    return pl.DataFrame(rows)


def _health() -> pl.DataFrame:
    shared: dict[str, Any] = {
        "connector": "files", "is_bound": True,
        "loads": 3, "pulled_rows": 100, "landed_rows": 98, "quarantined_rows": 2, "refused_rows": 5, "replayed_rows": 3,
        "last_loaded_at": datetime(2017, 12, 6, 14, tzinfo=UTC), "watermark_at": datetime(2017, 12, 6, 13, tzinfo=UTC),
        "last_pulled_rows": 40, "last_landed_rows": 38, "last_quarantined_rows": 2,
        "reasons": 2, "main_reason": "units is not a number that fits", "current_rows": 98,
        "lag_hours": 2.0, "expected_hours": 48,
        "control_rows_diff": 0, "control_units_diff": 0.0, "control_amount_diff": 0.0,
        "lost_fields": "", "new_fields": MARKUP, "retyped_fields": "PRICE", "unmapped_fields": "",
        "is_accounted": True, "is_fresh": True, "is_equal_to_control": True, "verdict": "quarantined",
    }  # fmt: skip
    fine = {
        "pulled_rows": 98, "quarantined_rows": 0, "refused_rows": 0, "replayed_rows": 0, "reasons": 0,
        "main_reason": "", "new_fields": "", "retyped_fields": "", "verdict": "fine",
    }  # fmt: skip
    late = fine | {"lag_hours": 60.0, "is_fresh": False, "is_equal_to_control": None, "verdict": "late"}
    nothing = fine | {
        "loads": 0, "pulled_rows": 0, "landed_rows": 0, "last_loaded_at": None, "watermark_at": None,
        "last_pulled_rows": None, "last_landed_rows": None, "last_quarantined_rows": None, "current_rows": None,
        "lag_hours": None, "expected_hours": None, "control_rows_diff": None, "control_units_diff": None,
        "control_amount_diff": None, "is_fresh": None, "is_equal_to_control": None, "verdict": "never",
    }  # fmt: skip
    no_source = {"_source": "-", "connector": "-", "is_bound": False, "verdict": "not_connected"}
    return pl.DataFrame(
        [
            {"_source": "pos", "stream": "pos.sale_lines", **shared},
            {"_source": "wms", "stream": "wms.stock", **shared, **late},
            {"_source": "pos", "stream": "pos.stores", **shared, **fine},
            {"_source": "mes", "stream": "mes.results", **shared, **nothing},
            {"stream": "ads.daily", **shared, **nothing, **no_source},
        ]
    )


def _loads() -> pl.DataFrame:
    shared = {"_source": "pos", "stream": "pos.sale_lines", "watermark_at": datetime(2017, 12, 6, 13, tzinfo=UTC)}
    rows = [("replay", 0, 3, -3, 14), ("pull", 40, 38, 2, 12), ("pull", 60, 57, 3, 10)]
    return pl.DataFrame(
        [
            {
                "_load_id": f"pos.sale_lines-pos-{place}", **shared, "kind": kind, "pulled_rows": pulled,
                "landed_rows": landed, "quarantined_rows": quarantined,
                "loaded_at": datetime(2017, 12, 6, hour, tzinfo=UTC), "place": place,
            }
            for place, (kind, pulled, landed, quarantined, hour) in enumerate(rows, start=1)
        ]
    )  # fmt: skip


def _quarantine() -> pl.DataFrame:
    shared = {"_source": "pos", "stream": "pos.sale_lines", "reason_rows": 1}
    seen = {name: datetime(2017, 12, 6, 12, tzinfo=UTC) for name in ("first_seen_at", "last_seen_at")}
    return pl.DataFrame(
        [
            {**shared, **seen, "field": "units", "reason": "units is not a number that fits", "example": "till.csv:7"},
            {**shared, **seen, "field": "", "reason": MARKUP, "example": FORMULA},
        ]
    )


def _fields() -> pl.DataFrame:
    shared = {"_source": "pos", "stream": "pos.sale_lines", "since_at": datetime(2017, 12, 6, 12, tzinfo=UTC)}
    shared |= {"old_kind": None, "new_kind": None}
    retyped = {
        "change": "retyped",
        "mapped_column": "sold_at",
        "old_kind": "number 0,0, date 00/00/yyyy",
        "new_kind": "text",
    }
    return pl.DataFrame(
        [
            {**shared, "field": "PRICE", **retyped},
            {**shared, "field": MARKUP, "change": "new", "mapped_column": None},
            {**shared, "field": "ARTICLE", "change": "lost", "mapped_column": "sku"},
        ]
    )
