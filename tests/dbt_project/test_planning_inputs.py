"""What the plan is asked for of web orders, and what it may count on of the orders that we placed ourselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.dbt_project import brand
from tests.dbt_project.conftest import Warehouse
from tests.dbt_project.lake import SmallLake, at, day

PAID = "2017-01-05T17:00"


def paid(number: str, **more: Any) -> dict[str, Any]:
    return brand.order(number, PAID, **{"completed_at": None, "status": "paid", **more})


def parcel(number: str, order: str, units: float, **more: Any) -> dict[str, Any]:
    """A line of a parcel of shop_a that was delivered two days after the order was paid."""
    return {
        "shipment_id": number, "line_no": 1, "order_id": order, "sku": "BREAD", "units": units,
        "shipped_at": at("2017-01-06T17:00"), "delivered_at": at("2017-01-07T17:00"), **more,
    }  # fmt: skip


def refund(number: str, order: str, **more: Any) -> dict[str, Any]:
    return {
        "shop_id": "shop_a", "refund_id": number, "order_id": order, "kind": "before_shipment", "status": "completed",
        "amount": 10.0, "refunded_at": at("2017-01-05T18:00"), "updated_at": at("2017-01-05T18:00"), **more,
    }  # fmt: skip


# Each order asks for ten loaves a line.
LINES = {
    "unsent": 1, "sent": 1, "part": 1, "twice": 2, "packed": 1, "left": 1, "closed": 1,
    "back": 1, "line_back": 2, "asked_back": 1, "returned": 1, "some_back": 1, "rest_back": 1, "sent_some_back": 1,
}  # fmt: skip
PARCELS = [
    parcel("P1", "sent", 10),
    parcel("P2", "part", 3),
    parcel("P3", "part", 1, shipped_at=at("2017-01-09T17:00"), delivered_at=None),
    parcel("P4", "twice", 12),
    parcel("P5", "packed", 10, shipped_at=None, delivered_at=None),
    parcel("P6", "returned", 10),
    parcel("P7", "sent_some_back", 5),
]
REFUNDS = [
    refund("B1", "back"),
    refund("B2", "line_back", line_no=1, units=10),
    refund("B3", "asked_back", status="applied"),
    # Given back in parts: seven are left of the first, none of the second, two of the third, of which five were sent.
    refund("B5", "some_back", line_no=1, units=1),
    refund("B6", "some_back", line_no=1, units=2),
    refund("B7", "rest_back", line_no=1, units=4),
    refund("B8", "rest_back", line_no=1),
    refund("B9", "sent_some_back", line_no=1, units=3),
    # What is sent and comes back was served.
    refund("B4", "returned", kind="return_refund", refunded_at=at("2017-01-12T17:00")),
]


def land_purchases(lake: SmallLake) -> None:
    """Fifty of a part are ordered, ten stand at the mill though nobody has told the ERP, twenty are announced."""
    ordered = {"line_no": 1, "sku": "RAW", "location_id": "PLANT", "ordered_units": 50, "received_units": 0}
    lake.land(
        "erp.purchase_orders",
        [
            {**ordered, "po_id": "PB1", "due_on": day("2016-12-20"), "status": "open"},
            {**ordered, "po_id": "PB2", "due_on": day("2017-01-20"), "status": "cancelled"},
            {**ordered, "po_id": "PB3", "due_on": None, "ordered_units": 5, "status": "open"},
        ],
    )
    told = {"delivery_id": "SD1", "line_no": 1, "po_id": "PB1", "supplier_id": "V", "sku": "RAW"}
    lake.land("supplier.deliveries", [{**told, "units": 20, "eta_on": day("2017-01-24")}])
    moved = {"sku": "RAW", "lot_id": "-", "kind": "receipt", "reference_kind": "order", "reference_id": "PB1"}
    moment = {"location_id": "PLANT", "moved_at": at("2017-01-10T15:00")}
    lake.land("wms.movements", [{**moved, **moment, "movement_id": "RAW-in", "units": 10}])
    counted = {"location_id": "DC", "sku": "RAW", "lot_id": "-", "quality": "in_transit", "owner_id": "-"}
    lake.land("wms.stock", [{**counted, "as_of": day("2017-01-09"), "on_hand_units": 7}])


@pytest.fixture(scope="module")
def built(warehouse: Warehouse) -> Iterator[Warehouse]:
    lake = warehouse.fresh()
    brand.land(lake)
    closed = {"completed_at": at("2017-01-15T17:00")}
    orders = [paid(number, **(closed if number == "closed" else {})) for number in LINES]
    lines = [
        brand.order_line(number, place, "BREAD", 10, 10.0)
        for number, count in LINES.items()
        for place in range(1, count + 1)
    ]
    lake.land("ecommerce.orders", orders, source="shop_a")
    lake.land("ecommerce.order_lines", lines, source="shop_a")
    lake.land("ecommerce.shipments", PARCELS, source="shop_a")
    lake.land("ecommerce.refunds", REFUNDS, source="shop_a")
    moved = {"sku": "BREAD", "location_id": "DC", "lot_id": "L2", "moved_at": at("2017-01-06T17:00")}
    shipment = {"kind": "shipment", "units": 10, "reference_kind": "order", "reference_id": "left"}
    lake.land(
        "wms.movements",
        [
            {**moved, "movement_id": "L2-in", "kind": "receipt", "units": 50},
            {**moved, "movement_id": "L2-out", **shipment},
        ],
    )
    lake.land(
        "erp.sales_orders",
        [
            {
                "so_id": "SO1",
                "line_no": 1,
                "trade_account_id": "D1",
                "sku": "BREAD",
                "ordered_units": 10,
                "status": "open",
            }
        ],
    )
    land_purchases(lake)
    warehouse.build("pass_a", "pass_b", "pass_c")
    yield warehouse
    warehouse.fresh()


def asked(built: Warehouse, *orders: str) -> dict[tuple[str, str], float]:
    """Units that the plan is asked for by order and line, of the orders named."""
    rows = built.rows("select order_id, line_no, units from int_planning_orders")
    found = {(number.removeprefix("shop_a:shop_a:"), place): units for number, place, units in rows}
    return {key: units for key, units in found.items() if key[0] in orders}


def test_a_paid_order_is_asked_for_until_it_is_sent_and_not_until_it_is_closed(built: Warehouse) -> None:
    """The shop tells of its parcel or, where no shop does, the warehouse; one that is only packed is not sent."""
    assert asked(built, "unsent", "packed", "sent", "left", "closed") == {("unsent", "1"): 10.0, ("packed", "1"): 10.0}


def test_a_partial_shipment_leaves_the_rest_open_first_line_first(built: Warehouse) -> None:
    assert asked(built, "part", "twice") == {("part", "1"): 6.0, ("twice", "2"): 8.0}


def test_what_was_refunded_before_it_was_sent_is_not_asked_for(built: Warehouse) -> None:
    """A refund that is only applied for holds nothing back; one of goods that were sent asks for none again."""
    assert asked(built, "back", "line_back", "asked_back", "returned") == {
        ("line_back", "2"): 10.0,
        ("asked_back", "1"): 10.0,
    }


def test_of_a_line_that_was_refunded_in_part_the_rest_is_asked_for(built: Warehouse) -> None:
    assert asked(built, "some_back", "rest_back", "sent_some_back") == {
        ("some_back", "1"): 7.0,
        ("sent_some_back", "1"): 2.0,
    }
    assert built.rows(
        "select ordered_units, filled_units from mart_order_service where order_id = 'sent_some_back'"
    ) == [(7, 5)]


def test_only_web_orders_are_asked_for_and_each_at_the_mill_with_its_channel(built: Warehouse) -> None:
    # To be sent two days after it was paid.
    assert built.rows("select distinct channel_id, location_id, sku, due_on, priority from int_planning_orders") == [
        ("shop_a", "PLANT", "BREAD", day("2017-01-07"), 1)
    ]


def test_what_suppliers_still_owe_is_to_come_and_what_stands_in_stock_is_not_counted_again(built: Warehouse) -> None:
    """An overdue order keeps its date, an order without one is due today, a cancelled one brings nothing."""
    assert built.rows(
        "select receipt_id, location_id, units, due_on, kind, is_firm from int_planning_receipts "
        "where sku = 'RAW' order by 1"
    ) == [
        ("purchase:PB1:1", "PLANT", 30.0, day("2016-12-20"), "purchase", True),
        ("purchase:PB1:SD1:1", "PLANT", 10.0, day("2017-01-24"), "purchase", True),
        ("purchase:PB3:1", "PLANT", 5.0, day("2017-01-16"), "purchase", True),
    ]
    # What is on its way is with its order, or stands where it was sent to: the engine takes good stock alone.
    assert built.rows("select quality, on_hand_units from int_planning_stock where sku = 'RAW' order by 1") == [
        ("good", 10.0),
        ("in_transit", 7.0),
    ]
