"""Who bought, who may be written to, and what they say: the published tables of customers for the portal's tests."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from tests.apps.brand import FIRST, HOSTILE_CATEGORY, LAST_WEEK, MARKUP, PRODUCTS, WEEKS, Table


def marts() -> dict[str, pl.DataFrame]:
    """The tables by name."""
    return {
        "bridge_customer_identifier": _bridge(),
        "mart_customer_360": _customers(),
        "bridge_customer_consent": _consents(),
        "stg_customers__links": _links(),
        "mart_segment": _segment_sizes(),
        "mart_activation": _lists(),
        "mart_voice_post": _posts(),
        "mart_voice_alarm": _alarms(),
    }


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
            "expected_value_amount": 250.0, "is_active_member": True, "is_churn_alarm": False,
            "marketing_media": "email,sms",
        },
        {
            "customer_id": "c1", "frequency": 20, "monetary_amount": 400.0, "segment": "at risk", **shared,
            "expected_value_amount": 80.0, "is_active_member": False, "is_churn_alarm": True,
            "marketing_media": "",
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
        last_touched_on=pl.when(pl.col("customer_id") == "c0").then(date(2017, 11, 30)),
        last_touch_medium=pl.lit("email"),
        posts=pl.lit(2, pl.Int64),
        sentiment_score=pl.lit(-0.4),
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
