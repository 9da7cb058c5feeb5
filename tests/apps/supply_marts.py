"""What lies where, what is expected and what is planned: the published tables of supply for the portal's tests."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl

from tests.apps.brand import FIRST, FORMULA, LAST_WEEK, MARKUP, PRODUCTS, WEEKS, Table


def marts() -> dict[str, pl.DataFrame]:
    """The tables by name."""
    return {
        "mart_forecast": _forecast(),
        "fct_stock_day": _stock_days(),
        "mart_stock_position": _positions(),
        "mart_stock_life": _lives(),
        "mart_order_service": _service(),
        "mart_channel_stock": _channel_stock(),
        "mart_stock_adjustment": _adjustments(),
        "int_plan_attainment": _attainment(),
        "int_plan_load": _load(),
        "mart_production_plan": _plan(),
    }


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
                    "baseline_units": mean,
                    "final_units": mean,
                    "override_units": None,
                    "override_id": None,
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
