"""A mill small enough to add up by hand: lines whose figures were published, checks, alarms, lots of two levels."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.dbt_project.lake import SmallLake, at, day

START = "2017-01-03T12:00"  # 7:00 in New York
HOUR = timedelta(hours=1)


def minutes(count: float) -> datetime:
    """So many minutes after the shift's start."""
    return at(START) + timedelta(minutes=count)


def land(lake: SmallLake) -> None:
    """Lands all streams of the mill, one load each."""
    lake.land(
        "wms.locations",
        [
            {"location_id": name, "kind": kind}
            for name, kind in (
                ("PLANT", "plant"),
                ("DC", "dc"),
                ("S1", "store"),
                ("D1", "distributor"),
                ("D2", "distributor"),
                ("P1", "platform"),
            )
        ],
    )
    _land_lines(lake)
    _land_plans(lake)
    _land_readings(lake)
    _land_alarms(lake)
    _land_moved_device(lake)
    _land_like_numbers(lake)
    _land_checks(lake)
    _land_lots(lake)


def _land_lines(lake: SmallLake) -> None:
    # Line A: 1.0 s ideal cycle. Line B: a minute each, 420 minutes at its usual speed. Line C: a wrong ideal speed.
    speeds = {"A": (3600.0, 3600.0), "B": (400 / 420 * 60, 60.0), "C": (60.0, 30.0)}
    lake.land(
        "mes.routings",
        [
            {"sku": "X", "line_id": line, "units_per_hour": usual, "ideal_units_per_hour": ideal, "setup_minutes": 0.0}
            for line, (usual, ideal) in speeds.items()
        ],
    )
    lake.land(
        "mes.calendars",
        [
            {"line_id": line, "starts_at": minutes(0), "ends_at": minutes(480), "available_minutes": available}
            for line, available in (("A", 420.0), ("B", 480.0), ("C", 480.0), ("D", 450.0))
        ]
        # A shift that is not over at the clock says nothing yet.
        + [
            {
                "line_id": "A",
                "starts_at": at("2017-01-16T11:00"),
                "ends_at": at("2017-01-16T19:00"),
                "available_minutes": 480.0,
            }
        ],
    )
    orders = {"work_order_id": "WD", "sku": "X", "planned_units": 100, "line_id": "D"}
    lake.land("mes.work_orders", [{**orders, "planned_start_at": minutes(60), "planned_end_at": minutes(240)}])
    lake.land(
        "mes.results",
        [
            _result("A", 0, 420, good=18848, scrap=423),
            _result("B", 0, 480, good=380, scrap=20),
            _result("C", 0, 60, good=60),
            _result("D", 60, 120, good=10),
            # Made on a day that no calendar has.
            _result("E", 24 * 60, 60, good=5),
        ],
    )


def _result(line: str, begin: float, span: float, *, good: float, scrap: float = 0) -> dict[str, Any]:
    return {
        "result_id": f"R{line}",
        "work_order_id": f"W{line}",
        "line_id": line,
        "shift_id": "early",
        "sku": "X",
        "lot_id": f"LOT-{line}",
        "good_units": good,
        "scrap_units": scrap,
        "scrap_reason": "seal" if scrap else None,
        "started_at": minutes(begin),
        "ended_at": minutes(begin + span),
    }


def _land_plans(lake: SmallLake) -> None:
    """Line P's orders: each SKU is planned and made in a way of its own, in hours after the shift's start at 7:00."""

    def order(sku: str, units: int, start: float | None, end: float | None, **more: Any) -> dict[str, Any]:
        return {
            "work_order_id": f"WP-{sku}", "sku": sku, "planned_units": units, "line_id": "P",
            "planned_start_at": None if start is None else minutes(start * 60),
            "planned_end_at": None if end is None else minutes(end * 60), **more,
        }  # fmt: skip

    def made(sku: str, units: int, begin: float) -> dict[str, Any]:
        result = _result("P", begin * 60, 60, good=units)
        return {**result, "result_id": f"RP-{sku}-{begin}", "work_order_id": f"WP-{sku}", "sku": sku, "lot_id": sku}

    lake.land(
        "mes.work_orders",
        [
            order("TWICE", 7, 0, 12),
            order("NEVER", 5, 0, 4),
            order("NIGHT", 9, 14, 20),
            order("LATE", 10, 24, 28),
            order("EARLY", 10, 48, 52),
            order("CALLED-OFF", 10, 0, 4, status="cancelled"),
            # The clock says 7:00 of the thirteenth day after.
            order("TODAY", 10, 13 * 24 - 4, 13 * 24 + 1),
            order("UNTIMED", 8, None, None, line_id=None),
        ],
        source="mes_plans",
    )
    lake.land(
        "mes.results",
        [
            made("TWICE", 1, 0),
            made("TWICE", 6, 9),
            # Five before midnight, and three more than are planned after it.
            made("NIGHT", 5, 15),
            made("NIGHT", 7, 18),
            made("LATE", 10, 48),
            made("EARLY", 10, 24),
            made("TODAY", 2, 13 * 24 - 3),
            made("UNTIMED", 4, 0),
            made("UNTIMED", 4, 24),
        ],
        source="mes_plans",
    )


def _land_readings(lake: SmallLake) -> None:
    """Line A's counters agree with the MES; line B's has counted 300 of 380."""
    shared = {"quality": "good", "counter_bits": 32}
    for line, good in (("A", 18848), ("B", 300)):
        lake.land(
            "scada.readings",
            [
                {"device_id": line, "tag": "good_count", "read_at": minutes(when), "counter_raw": raw, **shared}
                for when, raw in ((0, 1000), (480, 1000 + good))
            ]
            + [
                {"device_id": line, "tag": "state", "read_at": minutes(when), "value": value, "quality": "good"}
                for when, value in ((0, 1.0), (100, 0.0), (147, 1.0), (420, 0.0), (480, 0.0))
            ],
            source=f"line_{line}",
        )
    lake.land(
        "scada.readings",
        [
            {
                "device_id": "A", "tag": tag, "read_at": minutes(when), "value": value, "unit": "°C",
                "quality": quality,
            }
            for tag, when, value, quality in (
                ("oven", 80, 50.0, "good"),  # before the quarter of an hour that counts
                ("oven", 90, 20.0, "good"),
                ("oven", 99, 22.0, "good"),
                ("oven", 105, 27.0, "good"),
                ("oven", 106, None, "silent"),
                ("air", 90, 7.0, "good"),
                ("air", 99, 7.2, "good"),
                ("air", 105, 7.2, "good"),
            )
        ],
        source="sensors",
    )  # fmt: skip


def _land_alarms(lake: SmallLake) -> None:
    def alarm(event: str, kind: str, begin: float, span: float | None, line: str = "A") -> dict[str, Any]:
        return {
            "device_id": f"PLC-{line}", "event_id": event, "line_id": line, "kind": kind, "message": f"{event} says",
            "started_at": minutes(begin), "acknowledged_at": minutes(begin + 1),
            "ended_at": None if span is None else minutes(begin + span),
        }  # fmt: skip

    lake.land(
        "scada.events",
        [
            # 47 minutes in all: the second alarm rings within the first and some minutes on.
            alarm("jam", "stop", 100, 40),
            alarm("drive", "stop", 120, 27),
            alarm("hot", "process", 200, 10),
            alarm("wash", "planned", 420, 60),
        ],
    )
    lake.land(
        "maintenance.orders",
        [
            {
                "mwo_id": "M1", "line_id": "A", "trigger_event_id": "jam", "opened_at": minutes(101),
                "closed_at": minutes(140), "cause": "worn belt", "parts_amount": 12.5,
            }
        ],
    )  # fmt: skip


def _land_moved_device(lake: SmallLake) -> None:
    """PLC-7 names no line: it is line M1's until the midnight that is 17 hours after the shift's start, then M2's."""
    one = {"device_id": "PLC-7", "quality": "good"}
    hours = ((0, 100), (16, 150), (17, 170), (18, 200))
    lake.land(
        "scada.readings",
        [
            {**one, "tag": "good_count", "read_at": minutes(hour * 60), "counter_raw": raw, "counter_bits": 32}
            for hour, raw in hours
        ]
        + [{**one, "tag": "state", "read_at": minutes(hour * 60), "value": 1.0} for hour, _ in hours]
        + [{**one, "tag": "heat", "read_at": minutes(hour * 60 + 1), "value": float(hour)} for hour, _ in hours],
        source="moved",
    )
    lake.land(
        "scada.events",
        [
            {
                "device_id": "PLC-7", "event_id": f"at-{hour}", "kind": "stop", "message": "stuck",
                "started_at": minutes(hour * 60), "ended_at": minutes(hour * 60 + 10),
            }
            for hour in (16, 17)
        ],
        source="moved",
    )  # fmt: skip


def move_device(reference: Path) -> None:
    """Says in the code crosswalk of that folder when PLC-7 moved."""
    with (reference / "code_crosswalk.csv").open("a", encoding="utf-8") as file:
        file.write("device,PLC-7,2016-01-01,M1,2017-01-03\ndevice,PLC-7,2017-01-04,M2,\n")


def _land_like_numbers(lake: SmallLake) -> None:
    """The devices of lines V and W number their alarms alike; each had its repair, W's of two parts."""
    lake.land(
        "scada.events",
        [
            {
                "device_id": f"PLC-{line}", "event_id": "7", "line_id": line, "kind": "stop", "message": "stuck",
                "started_at": minutes(begin), "ended_at": minutes(begin + 30),
            }
            for line, begin in (("V", 0), ("W", 60))
        ],
        source="alike",
    )  # fmt: skip
    lake.land(
        "maintenance.orders",
        [
            {
                "mwo_id": name, "line_id": line, "trigger_event_id": "7", "opened_at": minutes(begin),
                "closed_at": minutes(begin + 20), "cause": "worn belt", "parts_amount": amount,
            }
            for name, line, begin, amount in (("MV", "V", 1, 5.0), ("MW", "W", 61, 2.0), ("MW-2", "W", 70, 1.5))
        ],
        source="alike",
    )  # fmt: skip


def _land_checks(lake: SmallLake) -> None:
    def check(number: int, kind: str, subgroup: str | None, value: float, *, ok: bool | None = True) -> dict[str, Any]:
        return {
            "check_id": f"Q{number}", "work_order_id": "WA", "lot_id": "LOT-A", "characteristic": kind,
            "subgroup": subgroup, "value": value, "lower": 5.0, "upper": 20.0, "is_pass": ok,
            "checked_at": minutes(number),
        }  # fmt: skip

    lake.land(
        "mes.quality",
        [
            check(1, "fill", "a", 10.0),
            check(2, "fill", "a", 12.0),
            check(3, "fill", "b", 11.0),
            check(4, "fill", "b", 13.0, ok=False),
            # No subgroups: each value is its own, and neighbours tell the spread. The verdict follows from the limits.
            check(5, "force", None, 10.0, ok=None),
            check(6, "force", None, 12.0, ok=None),
            check(7, "force", None, 21.0, ok=None),
        ],
    )


def _land_lots(lake: SmallLake) -> None:
    """SUGAR lot s1 → SYRUP lot y1 → X lot LOT-A → an order and a store; LOT-B has sugar of another lot."""
    lake.land(
        "mes.results",
        [{**_result("S", 0, 10, good=1), "sku": "SYRUP", "lot_id": "y1"}],
        source="mes_syrup",
    )
    used = [
        ("mes_syrup", "WS", "SUGAR", "s1", "y1"),
        ("mes", "WA", "SYRUP", "y1", "LOT-A"),
        ("mes", "WB", "SUGAR", "s2", "LOT-B"),
        ("mes", "WB", "WATER", "-", "LOT-B"),
    ]
    for place, (source, order, component, lot, output) in enumerate(used):
        lake.land(
            "mes.consumption",
            [
                {
                    "work_order_id": order, "component_sku": component, "component_lot_id": lot,
                    "output_lot_id": output, "units": 3.0 + place,
                }
            ],
            source=source,
        )  # fmt: skip

    def moved(number: str, place: str, kind: str, lot: str, **more: Any) -> dict[str, Any]:
        return {
            "movement_id": number, "location_id": place, "sku": "X", "lot_id": lot, "kind": kind, "units": 2,
            "moved_at": at("2017-01-04T12:00"), **more,
        }  # fmt: skip

    lake.land(
        "wms.movements",
        [
            # Of nine made two left the plant.
            {**moved("0", "PLANT", "receipt", "LOT-A"), "units": 9},
            moved("1", "PLANT", "transfer", "LOT-A", to_location_id="DC"),
            moved("2", "DC", "delivery", "LOT-A", to_location_id="S1"),
            moved("3", "DC", "shipment", "LOT-A", reference_kind="order", reference_id="O1"),
            moved("4", "DC", "shipment", "LOT-B", reference_kind="order", reference_id="O2"),
            moved("5", "DC", "shipment", "-", reference_kind="order", reference_id="O3"),
            # Others: of what two were sent, one has sold all and one a half.
            moved("6", "DC", "shipment", "LOT-C", to_location_id="D1"),
            moved("7", "DC", "shipment", "LOT-C", to_location_id="D2"),
        ],
    )
    # A third says what it holds, and nobody what it was sent.
    counted = {"sku": "X", "lot_id": "LOT-C", "quality": "good", "owner_id": "-", "as_of": day("2017-01-06")}
    lake.land(
        "wms.stock",
        [{**counted, "location_id": place, "on_hand_units": left} for place, left in (("D1", 0), ("D2", 1), ("P1", 4))],
    )
    parcel = {"line_no": 1, "sku": "X", "units": 1, "shipped_at": at("2017-01-05T12:00")}
    lake.land(
        "ecommerce.shipments",
        [
            # The warehouse told O1's lot; of O3 the shop alone knows it.
            {**parcel, "shipment_id": "P1", "order_id": "O1", "lot_id": "LOT-B"},
            {**parcel, "shipment_id": "P3", "order_id": "O3", "lot_id": "LOT-A"},
        ],
        source="shop_a",
    )
    lake.land("mes.changeovers", [{"line_id": "A", "from_family": "X", "to_family": "X", "minutes": 0.0}], source="mes")
    lake.land("erp.items", [{"sku": "X", "category": "DAIRY", "shelf_life_days": day("2017-01-21").day}])
