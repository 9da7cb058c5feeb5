"""The factory's published tables for the portal's tests: two lines, hostile messages, one counter that differs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

FIRST = datetime(2017, 11, 6, 12, tzinfo=UTC)
HOSTILE_ALARM = "<img src=x> **jam** [x](http://evil)"
DAYS = 28
PART, GOODS, ORDER, STORE = "RM-1", "=L1", "A1", "S1"


def marts() -> dict[str, pl.DataFrame]:
    """The tables by name."""
    return {
        "mart_line_oee": _oee(),
        "mart_line_downtime": _downtime(),
        "fct_event_context": _alarms(),
        "mart_quality": _quality(),
        "mart_lot_trace": _trace(),
        "mart_lot_destination": _destinations(),
    }


def _oee() -> pl.DataFrame:
    """Of 400 planned minutes 40 went into setting up, 60 into a stop, 20 into waiting; 280 of running made 252
    ideal ones, of which 240 were good."""
    rows: list[dict[str, Any]] = []
    for day in range(DAYS):
        for line in ("L1", "L2"):
            starts_at = FIRST + timedelta(days=day)
            is_last = day == DAYS - 1
            rows.append(
                {
                    "line_id": line, "starts_at": starts_at, "ends_at": starts_at + timedelta(hours=8),
                    "shift_id": f"{line}-{day}", "shift_on": starts_at.date(), "planned_minutes": 400.0,
                    "setup_minutes": 40.0, "stop_minutes": 60.0, "waiting_minutes": 20.0, "run_minutes": 280.0,
                    "ideal_minutes": 252.0, "good_minutes": 240.0, "made_units": 252.0, "good_units": 240.0,
                    "availability_rate": 0.7, "performance_rate": 0.9, "quality_rate": 240 / 252, "oee_rate": 0.6,
                    "failures": 1, "repair_minutes": 30.0, "counter_good_units": 240.0 if is_last else None,
                    "difference_units": (0.0 if line == "L1" else -40.0) if is_last else None,
                    "difference_minutes": 0.0 if is_last else None, "is_above_one": False,
                    "counter_verdict": ("agree" if line == "L1" else "units differ") if is_last else "no counter",
                }
            )  # fmt: skip
    return pl.DataFrame(rows, infer_schema_length=None)


def _downtime() -> pl.DataFrame:
    shared = {"line_id": "L1", "starts_at": FIRST, "shift_id": "L1-0", "shift_on": FIRST.date(), "occurrences": 2}
    rows = [("stop", HOSTILE_ALARM, 45.0), ("stop", "unexplained", 15.0), ("planned", "cleaning", 30.0)]
    return pl.DataFrame([{**shared, "kind": kind, "reason": reason, "minutes": spent} for kind, reason, spent in rows])


def _alarms() -> pl.DataFrame:
    shared: dict[str, Any] = {
        "_source": "alarms", "device_id": "PLC", "line_id": "L1", "kind": "stop", "message": HOSTILE_ALARM,
        "started_at": FIRST, "started_on": FIRST.date(), "duration_minutes": 45.0, "acknowledge_minutes": 1.5,
        "lot_id": GOODS, "sku": "01", "mwo_id": "MO-1", "cause": "worn", "is_failure": True, "moved_tag": "oven",
        "moved_before": 21.0, "moved_during": 27.0, "moved_unit": "°C",
    }  # fmt: skip
    quiet = {"event_id": "E2", "mwo_id": None, "lot_id": None, "sku": None, "moved_tag": None, "moved_before": None}
    return pl.DataFrame([{**shared, "event_id": "E1"}, {**shared, **quiet, "moved_during": None, "moved_unit": None}])


def _quality() -> pl.DataFrame:
    shared = {"characteristic": "fill_percent", "line_id": "L1", "sku": "*", "mean": 100.0, "sigma": 0.5, "cp": 1.5}
    return pl.DataFrame(
        [
            {
                **shared, "week_on": date(2017, 11, 6) + timedelta(weeks=week), "measured": 30, "cpk": 1.0 + week / 10,
                "first_pass_rate": 0.95, "is_enough": True,
            }
            for week in range(4)
        ]
    )  # fmt: skip


def _trace() -> pl.DataFrame:
    rows = [
        ("RM", PART, "RM", PART, 0, None),
        ("RM", PART, "01", GOODS, 1, 5.0),
        ("01", GOODS, "01", GOODS, 0, None),
    ]
    return pl.DataFrame(rows, schema=["sku", "lot_id", "into_sku", "into_lot_id", "depth", "units"], orient="row")


def _destinations() -> pl.DataFrame:
    rows = [
        ("order", ORDER, "shop_a", 2.0, "customer"),
        ("order", "A2", "shop_a", 1.0, "customer"),
        ("location", STORE, None, 4.0, "store"),
        ("location", "DC", None, 7.0, "sent on"),
    ]
    names = ["kind", "reached_id", "shop_id", "units", "ends_with"]
    sent = [pl.lit(FIRST).alias(name) for name in ("first_at", "last_at")]
    made = [pl.lit("01").alias("sku"), pl.lit(GOODS).alias("lot_id")]
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(*made, *sent, pl.lit(0.0).alias("on_hand_units"))
