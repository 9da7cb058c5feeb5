"""A brand small enough to add up by hand: two stores, a web shop, three SKUs, one line, three weeks."""

from __future__ import annotations

from typing import Any

from tests.dbt_project.lake import SmallLake, at, day

ZONE = "America/New_York"
WEEKS = ("2016-12-26", "2017-01-02", "2017-01-09")


def line(sale: str, number: int, when: str, sku: str, units: float, net: float, **more: Any) -> dict[str, Any]:
    """A till line of store S1; list price is half as much again."""
    return {
        "sale_id": sale,
        "line_no": number,
        "store_id": "S1",
        "sold_at": at(when),
        "sku": sku,
        "line_kind": "sale",
        "units": units,
        "gross_amount": net * 1.5,
        "discount_amount": net * 0.5,
        "net_amount": net,
        "tax_amount": 0,
        "is_tax_inclusive": False,
        "observed_at": at(when),
        **more,
    }


def order(number: str, when: str, **more: Any) -> dict[str, Any]:
    """An order of shop_a, paid and completed when it was placed."""
    return {
        "shop_id": "shop_a",
        "order_id": number,
        "order_type": "normal",
        "placed_at": at(when),
        "paid_at": at(when),
        "completed_at": at(when),
        "status": "completed",
        "ship_region": "Northeast",
        "updated_at": at(when),
        **more,
    }


def order_line(number: str, place: int, sku: str, units: float, paid: float, **more: Any) -> dict[str, Any]:
    """A line of an order of shop_a, tax included."""
    return {
        "shop_id": "shop_a",
        "order_id": number,
        "line_no": place,
        "line_kind": "sale",
        "sku": sku,
        "units": units,
        "list_amount": paid + 1,
        "paid_amount": paid,
        "tax_rate": 0.0,
        "is_tax_inclusive": True,
        "updated_at": at("2017-01-05T12:00"),
        **more,
    }


TILL_LINES = [
    line("B1", 1, "2016-12-27T15:00", "MILK", 2, 4.0, member_id="M1"),
    line("B1", 2, "2016-12-27T15:00", "BREAD", 1, 3.0, member_id="M1"),
    # 23:30 in New York: still the 4th there, already the 5th in UTC.
    line("B2", 1, "2017-01-05T04:30", "MILK", 3, 6.0, member_id="M2"),
    # The shop's order A4, also rung up at the till.
    line("B3", 1, "2017-01-10T15:00", "BREAD", 1, 3.0, platform_order_id="P4"),
    line("B4", 1, "2017-01-11T15:00", "MILK", -1, -2.0, line_kind="return", gross_amount=-3.0, discount_amount=-1.0),
]
ORDERS = [
    order("A1", "2017-01-05T12:00", buyer_phone="1", buyer_email="m1@example.com"),
    order("A2", "2017-01-05T12:00", paid_at=None, completed_at=None, status="placed"),
    order("A3", "2017-01-05T12:00", is_suspect=True),
    order("A4", "2017-01-10T15:00", platform_order_id="P4"),
]
ORDER_LINES = [
    order_line("A1", 1, "MILK", 1, 2.0),
    order_line("A1", 2, "BREAD", 1, 3.0),
    order_line("A1", 3, "CHEESE", 1, 5.01),
    order_line("A2", 1, "MILK", 50, 100.0),
    order_line("A3", 1, "MILK", 70, 140.0),
    order_line("A4", 1, "BREAD", 1, 3.0),
]


def control(
    stream: str, period: str, rows: int, units: float, amount: float, seen: str = "2017-01-15T04:00"
) -> dict[str, Any]:
    """What a source says of one business date."""
    return {
        "stream": stream,
        "period_on": day(period),
        "rows": rows,
        "units": units,
        "amount": amount,
        "observed_at": at(seen),
    }


TILL_CONTROLS = [
    control("pos.sale_lines", "2016-12-27", 2, 3, 7.0),
    control("pos.sale_lines", "2017-01-04", 1, 3, 6.0),
    control("pos.sale_lines", "2017-01-10", 1, 1, 3.0),
    control("pos.sale_lines", "2017-01-11", 1, -1, -2.0),
]


def land(lake: SmallLake) -> None:
    """Lands everything the brand's systems know, one load per stream."""
    lake.land("pos.stores", [_store("S1"), _store("S2")])
    lake.land("pos.sale_lines", TILL_LINES)
    lake.land("pos.controls", TILL_CONTROLS)
    lake.land("ecommerce.orders", ORDERS, source="shop_a")
    lake.land("ecommerce.order_lines", ORDER_LINES, source="shop_a")
    lake.land("ecommerce.refunds", REFUNDS, source="shop_a")
    lake.land("crm.members", [{"member_id": "M1", "phone": "1", "tier": "gold", "joined_at": at("2016-01-01T12:00")}])
    lake.land(
        "erp.items",
        [_item("MILK", 1.0), _item("BREAD", 1.5), _item("CHEESE", 2.0), {**_item("RAW", 0.2), "base_unit": "KG"}],
    )
    lake.land("trade.placements", PLACEMENTS)
    _land_stock(lake)
    _land_mill(lake)


# Ten cents less than the order: a refund of the whole order, shared out by what was paid for each line.
REFUNDS = [
    {
        "shop_id": "shop_a",
        "refund_id": "R1",
        "order_id": "A1",
        "kind": "compensation",
        "status": "completed",
        "amount": 1.0,
        "refunded_at": at("2017-01-07T12:00"),
        "updated_at": at("2017-01-07T12:00"),
    },
    {
        "shop_id": "shop_a",
        "refund_id": "R2",
        "order_id": "A1",
        "line_no": 1,
        "kind": "refund_only",
        "status": "rejected",
        "amount": 2.0,
        "updated_at": at("2017-01-07T12:00"),
    },
]
PLACEMENTS = [
    {"promotion_id": "AD1", "sku": "MILK", "store_id": "S1", "week_on": day(WEEKS[1]), "display": "A", "mailer": "0"},
    {"promotion_id": "AD1", "sku": "MILK", "store_id": "S2", "week_on": day(WEEKS[1]), "display": "A", "mailer": "0"},
]


def _store(store: str) -> dict[str, Any]:
    return {"store_id": store, "channel_id": "store", "region": "Northeast", "timezone": ZONE}


def _item(sku: str, cost: float) -> dict[str, Any]:
    return {"sku": sku, "category": "DAIRY", "standard_cost": cost, "list_price": cost * 3, "shelf_life_days": 20}


def _land_stock(lake: SmallLake) -> None:
    counts = {"sku": "MILK", "lot_id": "-", "quality": "good", "owner_id": "-", "location_id": "S1"}
    lake.land("wms.locations", [{"location_id": "DC", "kind": "dc"}, {"location_id": "PLANT", "kind": "plant"}])
    lake.land(
        "wms.stock",
        [
            {**counts, "as_of": day("2016-12-26"), "on_hand_units": 5},
            # The books say 3 when the shelf is counted; one is missing, and what is left sells out on the 4th.
            {**counts, "as_of": day("2017-01-02"), "on_hand_units": 2},
            {**counts, "as_of": day("2017-01-09"), "on_hand_units": 0},
        ],
    )
    moved = {"sku": "MILK", "reference_kind": "delivery", "reference_id": "D1"}
    lake.land(
        "wms.movements",
        [
            _moved("1", "PLANT", "L1", "receipt", 10, "2016-12-26T15:00", **moved),
            _moved("2", "PLANT", "L1", "transfer", 10, "2016-12-27T15:00", to_location_id="DC", **moved),
            _moved("3", "DC", "L1", "delivery", 1, "2017-01-03T15:00", to_location_id="S1", **moved),
            _moved("4", "DC", "L1", "delivery", 4, "2017-01-10T15:00", to_location_id="S1", **moved),
        ],
    )


def _moved(number: str, place: str, lot: str, kind: str, units: float, when: str, **more: Any) -> dict[str, Any]:
    return {
        "movement_id": number,
        "location_id": place,
        "lot_id": lot,
        "kind": kind,
        "units": units,
        "moved_at": at(when),
        **more,
    }


def _land_mill(lake: SmallLake) -> None:
    lake.land("mes.routings", [{"sku": "MILK", "line_id": "L1", "units_per_hour": 10.0, "setup_minutes": 5.0}])
    lake.land(
        "mes.calendars",
        [
            {
                "line_id": "L1",
                "starts_at": at(f"{week}T12:00"),
                "ends_at": at(f"{week}T20:00"),
                "available_minutes": 480.0,
                "reason": "shift",
            }
            for week in (*WEEKS, "2017-01-16", "2017-01-23")
        ],
    )
    lake.land("mes.work_orders", [{"work_order_id": "W1", "order_id": "PO1", "sku": "MILK", "planned_units": 10}])
    lake.land(
        "mes.results",
        [
            {
                "result_id": "W1-1",
                "work_order_id": "W1",
                "line_id": "L1",
                "shift_id": "early",
                "sku": "MILK",
                "lot_id": "L1",
                "good_units": 10,
                "scrap_units": 0,
                "started_at": at("2016-12-26T13:00"),
                "ended_at": at("2016-12-26T14:15"),
            }
        ],
    )
    # A 16-bit register that starts again from zero during the run; the bad reading says nothing.
    readings = [("12:59", 65530), ("13:30", 65535), ("14:00", 2), ("14:20", 4)]
    lake.land(
        "scada.readings",
        [
            {
                "device_id": "L1",
                "tag": "good_count",
                "read_at": at(f"2016-12-26T{time}"),
                "quality": "good",
                "counter_raw": raw,
                "counter_bits": 16,
            }
            for time, raw in readings
        ]
        + [{"device_id": "L1", "tag": "good_count", "read_at": at("2016-12-26T13:40"), "quality": "silent"}],
        source="line_1",
    )
    lake.land(
        "plm.bom",
        [{"parent_sku": "MILK", "component_sku": "RAW", "effective_from": day("2016-01-01"), "quantity_per": 2.0}],
    )
    lake.land(
        "erp.production_orders",
        [
            {"order_id": "PO1", "sku": "MILK", "ordered_units": 10, "due_on": day("2016-12-31"), "status": "completed"},
            {"order_id": "PO2", "sku": "MILK", "ordered_units": 8, "due_on": day("2017-01-21"), "status": "released"},
        ],
    )


def learn(lake: SmallLake) -> None:
    """Lands what the rooms would have learnt: a forecast and a plan."""
    series = {"run_id": "r1", "sku": "MILK", "channel_id": "store", "location_id": "*", "freq": "W", "method": "mean"}
    quantiles = {"q05": 1.0, "q10": 1.0, "q25": 2.0, "q50": 3.0, "q75": 4.0, "q90": 5.0, "q95": 6.0}
    lake.land(
        "forecasting.demand",
        [
            {**series, **quantiles, "mean": 3.0, "bucket_on": day(week), "cutoff_on": day("2017-01-15")}
            for week in ("2017-01-16", "2017-01-23")
        ],
    )
    lake.land(
        "planning.requirements",
        [
            {"plan_id": "r1", "sku": "MILK", "location_id": "PLANT", "week_on": day(week)}
            for week in ("2017-01-16", "2017-01-23")
        ],
    )
    run = {"plan_id": "r1", "version": 1, "line_id": "L1", "priority": 0}
    lake.land(
        "planning.schedule_orders",
        [
            {
                **run,
                "order_id": "PO2",
                "sku": "MILK",
                "start_at": at("2017-01-16T00:00"),
                "end_at": at("2017-01-16T02:00"),
                "units": 8,
                "state": "released",
            },
            {
                **run,
                "order_id": "make:MILK:L1:2017-01-23",
                "sku": "MILK",
                "start_at": at("2017-01-23T00:00"),
                "end_at": at("2017-01-23T01:36"),
                "units": 12,
                "state": "draft",
            },
        ],
    )
    lake.land(
        "planning.production_plan",
        [
            {
                "plan_id": "r1",
                "sku": "MILK",
                "line_id": "L1",
                "week_on": day("2017-01-23"),
                "units": 12,
                "setups": 1.0,
                "run_minutes": 72.0,
                "setup_minutes": 24.0,
                "overtime_minutes": 0.0,
                "backorder_units": 0,
                "safety_short_units": 0,
                "zone": "free",
            }
        ],
    )
