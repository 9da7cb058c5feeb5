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
        **_behind_the_forecast(),
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
                    # Promotions lift the first week, the season lowers the others.
                    "base_units": mean - (2.0 if week == 0 else -1.0),
                    "promotion_units": 2.0 if week == 0 else 0.0,
                    "season_units": 0.0 if week == 0 else -1.0,
                    **dict.fromkeys(("price_units", "festival_units", "other_units"), 0.0),
                    **{name: mean + distance for name, distance in levels.items()},
                    "method": "naive",
                    "cutoff_on": LAST_WEEK - timedelta(days=1),
                }
            )
    return pl.DataFrame(rows, infer_schema_length=None)


def _behind_the_forecast() -> dict[str, pl.DataFrame]:
    """What moved since the run before (item 01, up by 6 of 36), two runs' steps, an alarm, an override judged."""
    parts = {"base": 1.0, "season": -1.0, "price": 0.0, "promotion": 2.0, "festival": 0.0, "other": 0.0}
    change: Table = [
        {
            "sku": "01", "channel_id": "store", "location_id": "*", "bucket_on": LAST_WEEK + timedelta(weeks=week),
            "previous_cutoff_on": LAST_WEEK - timedelta(days=8), "cutoff_on": LAST_WEEK - timedelta(days=1),
            "previous_units": 11.0 + week, "baseline_units": 13.0 + week, "change_units": 2.0,
            **{f"{name}_change_units": units for name, units in parts.items()},
        }
        for week in range(3)
    ]  # fmt: skip
    steps = {"naive": 0.5, "moving average": 0.46, "statistical": 0.45, "model": 0.4, "promotion plan": 0.38}
    before = {"moving average": 0.5, "statistical": 0.5, "model": 0.45, "promotion plan": 0.4}
    accuracy: Table = [
        {
            "run_id": run, "scored_on": LAST_WEEK - timedelta(weeks=weeks), "level": "sku,channel_id,location_id",
            "class": "*", "horizon": horizon, "is_at_lead_time": horizon == 2, "step": step,
            "wape": wape + 0.01 * horizon, "bias": 0.02, "rmsse": wape,
            "pinball": 0.2, "coverage_80": 0.8, "naive_wape": 0.5, "previous_wape": before.get(step),
            "value_added_rate": before[step] - wape if step in before else None,
            "is_published": step == "promotion plan", "is_newest": run == "r2",
        }
        for run, weeks in (("r1", 1), ("r2", 0))
        for horizon in range(4)
        for step, wape in steps.items()
    ]  # fmt: skip
    tracking: Table = [
        {
            "level": "series", "node": f"{sku} × store × *", "weeks": 9, "bias": 0.2, "tracking_signal": signal,
            "drift_ratio": 1.1, "observed_units": 90.0, "is_biased": signal > 4, "is_drifting": False,
        }
        for sku, signal in (("01", 9.0), ("02", 1.0))
    ]  # fmt: skip
    override: Table = [
        {
            "override_id": "o1", "bucket_on": LAST_WEEK - timedelta(weeks=1), "sku": "01", "category": "*",
            "channel_id": "store", "location_id": "*", "state": "judged", "old_units": 12.0, "baseline_units": 12.0,
            "new_units": 20.0, "observed_units": 18.0, "baseline_error_units": 6.0, "override_error_units": 2.0,
            "value_added_units": 4.0, "reason_code": "event", "note": FORMULA, "author": MARKUP, "approved_by": "lee",
            "expires_at": None,
        }
    ]  # fmt: skip
    return {
        "mart_forecast_change": pl.DataFrame(change),
        "mart_forecast_accuracy": pl.DataFrame(accuracy, infer_schema_length=None),
        "mart_forecast_tracking": pl.DataFrame(tracking),
        "mart_forecast_override": pl.DataFrame(override, schema_overrides={"expires_at": pl.Datetime("us", "UTC")}),
    }


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
            "location_id": "DC", "is_ours": True, "available_units": row["on_hand_units"],
            "value_amount": row["on_hand_units"] * 2,
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


def with_sold(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The tables, and item 01 once more in a partner's store: as much again, and sold to it."""
    more = dict(tables)
    for name in ("fct_stock_day", "mart_stock_position"):
        there = tables[name].filter(sku="01").with_columns(location_id=pl.lit("S1"))
        more[name] = pl.concat([tables[name], there])
    is_store = pl.col("location_id") == "S1"
    more["dim_location"] = tables["dim_location"].with_columns(is_ours=~is_store)
    positions = more["mart_stock_position"]
    more["mart_stock_position"] = positions.with_columns(is_ours=~is_store)
    bought = tables["mart_channel_stock"].filter(sku="02")
    store = bought.with_columns(distributor_id=pl.lit("S1"), holder_kind=pl.lit("store"))
    more["mart_channel_stock"] = pl.concat([tables["mart_channel_stock"], store])
    return more


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
    shared = {"distributor_id": MARKUP, "holder_kind": "distributor", "oldest_days": 12, "late_units": 0.0}
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
