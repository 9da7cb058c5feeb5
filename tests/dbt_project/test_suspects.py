"""Which web orders are suspected fakes: two signs of three, a shop's word until goods left, people above all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ingestion.landing.ledger import Ledger
from tests.dbt_project import brand
from tests.dbt_project.conftest import Warehouse
from tests.dbt_project.lake import at, day
from tillmill import inbox, verdicts
from tillmill.actions import create_workspace

SETTINGS = '[brand]\nname = "B"\ncurrency = "USD"\ntimezone = "UTC"\n'
NIGHT = "2017-01-05T0{}:00"
SENT = "2017-01-06T15:00"


def order(number: str, place: int = 0, **more: Any) -> dict[str, Any]:
    """An order that is confirmed a week after it was sent, to an address of its own unless told."""
    kept = {"completed_at": at("2017-01-13T15:00"), "ship_address": f"home of {number}"}
    return brand.order(number, NIGHT.format(place), **{**kept, **more})


def parcel(number: str, freight: float = 4.0, **more: Any) -> dict[str, Any]:
    return {
        "shipment_id": f"P{number}", "line_no": 1, "order_id": number, "sku": "MILK", "lot_id": "-", "units": 1,
        "location_id": "DC", "carrier": "Mill Road", "freight_amount": freight, "shipped_at": at(SENT),
        "updated_at": at(SENT), **more,
    }  # fmt: skip


def left(number: str, when: str = SENT) -> dict[str, Any]:
    return {
        "movement_id": f"M{number}", "location_id": "DC", "sku": "MILK", "lot_id": "-", "kind": "shipment", "units": 1,
        "reference_kind": "order", "reference_id": number, "moved_at": at(when),
    }  # fmt: skip


AT_ONCE = {"completed_at": at("2017-01-06T15:30")}
DEPOT, PICK_UP = {"ship_address": "depot"}, {"buyer_phone": "99"}
ORDERS = [
    # Five to one address: one in a light parcel that the warehouse knows nothing of, one confirmed at once.
    order("EMPTY", 1, **DEPOT),
    order("QUICK", 2, **DEPOT, **AT_ONCE),
    order("HONEST", 3, **DEPOT),
    order("VERDICT-HONEST", 4, **DEPOT, **AT_ONCE),
    order("UNSENT", 5, **DEPOT),
    order("FORM-HONEST", 6, **DEPOT, **AT_ONCE),
    order("FORM-BACK", 7, **DEPOT, **AT_ONCE),
    # Many behind one number of the platform are many people.
    *(order(f"POOL{place}", place, is_virtual_phone=True, **PICK_UP, **AT_ONCE) for place in range(6)),
    order("ALONE", **AT_ONCE),
    order("FLAGGED", is_suspect=True, suspect_rule="r"),
    order("FLAGGED-BUT-SENT", is_suspect=True, suspect_rule="r"),
    order("VERDICT-FAKE"),
    # Sent after the warehouse's last booking: nothing is known yet.
    order("LATE", **AT_ONCE, placed_at=at("2017-01-09T15:00")),
]
GONE = [
    "QUICK",
    "HONEST",
    "VERDICT-HONEST",
    "FORM-HONEST",
    "FORM-BACK",
    *(f"POOL{n}" for n in range(6)),
    "ALONE",
    "FLAGGED-BUT-SENT",
    "VERDICT-FAKE",
]
VERDICTS = """shop_id,order_id,verdict,decided_on,author,reason
shop_a,VERDICT-HONEST,fake,2017-01-07,sales,first look
shop_a,VERDICT-HONEST,honest,2017-01-08,sales,a school's order
shop_a,VERDICT-FAKE,fake,2017-01-08,sales,the seller said so
shop_a,FORM-HONEST,fake,2017-01-08,sales,first look
shop_a,FORM-BACK,honest,2017-01-08,sales,a guess
"""


def entries(folder: Path) -> list[dict[str, Any]]:
    """What the portal's form keeps: one accused order is honest; of another two words of one moment, the last holds."""
    workspace = create_workspace(folder, SETTINGS)
    for order_id, verdict, reason in (
        ("FORM-HONEST", "honest", "a canteen"),
        ("FORM-BACK", "fake", "a guess"),
        ("FORM-BACK", None, "a slip"),
    ):
        verdicts.judge(folder, "shop_a", order_id, verdict, before=None, reason=reason, author="kim")
    with Ledger(workspace.ledger) as ledger:
        said = inbox.pending(workspace, ledger, verdicts.STREAM)
    moment = datetime.fromisoformat(said[0]["at"])
    kept = ("entry_id", "form", "row", "old", "new", "author")
    return [{name: one[name] for name in kept} | {"at": moment, "observed_at": moment} for one in said]


@pytest.fixture(scope="module")
def built(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    lake = warehouse.fresh()
    (warehouse.reference / "suspect_verdicts.csv").write_text(VERDICTS)
    lake.land("ecommerce.orders", ORDERS, source="shop_a")
    lines = [brand.order_line(row["order_id"], 1, "MILK", 1, 10.0) for row in ORDERS]
    lake.land("ecommerce.order_lines", lines, source="shop_a")
    sent = [parcel(number) for number in GONE]
    late = {"shipped_at": at("2017-01-09T16:00"), "updated_at": at("2017-01-09T16:00")}
    lake.land("ecommerce.shipments", [*sent, parcel("EMPTY", 1.0), parcel("LATE", **late)], source="shop_a")
    lake.land("wms.movements", [*(left(number) for number in GONE), left("OTHER", "2017-01-07T15:00")])
    lake.land("tillmill.entries", entries(tmp_path_factory.mktemp("said")))
    lake.land("erp.items", [{"sku": "MILK", "category": "DAIRY", "standard_cost": 1.0, "list_price": 11.0}])
    warehouse.build("pass_a", "pass_b")
    yield warehouse
    warehouse.fresh()


def test_two_signs_a_shops_word_or_peoples_verdict_make_a_suspect(built: Warehouse) -> None:
    found = built.rows("select order_id from mart_suspect_order where is_suspect order by 1")
    assert [number for (number,) in found] == ["EMPTY", "FLAGGED", "FORM-BACK", "QUICK", "VERDICT-FAKE"]


def test_one_sign_accuses_nobody_and_is_shown(built: Warehouse) -> None:
    columns = "order_id, sign_count, is_burst, is_light, is_unmoved, is_instant"
    shown = {row[0]: row[1:] for row in built.rows(f"select {columns} from mart_suspect_order where not is_suspect")}
    assert shown["HONEST"] == (1, True, False, False, False)
    assert shown["ALONE"] == (1, False, False, False, True)
    assert shown["POOL0"] == (1, False, False, False, True)
    assert shown["LATE"][3] is False
    assert shown["FLAGGED-BUT-SENT"][0] == 0


def test_suspects_are_in_no_figure_and_stand_apart(built: Warehouse) -> None:
    assert built.rows("select sum(net_sales_amount), sum(orders) from mart_channel_daily") == [
        (10 * (len(ORDERS) - 5), len(ORDERS) - 5)
    ]
    assert built.rows("select sum(net_sales_amount) from mart_suspect_order where is_suspect") == [(50,)]
    assert built.rows("select distinct ordered_on from mart_suspect_order where order_id = 'QUICK'") == [
        (day("2017-01-04"),)
    ]


def test_what_the_portals_form_says_holds_over_rules_and_older_lines_and_can_be_taken_back(built: Warehouse) -> None:
    shown = built.rows(
        "select order_id, is_suspect, sign_count, verdict, verdict_by, verdict_reason from mart_suspect_order"
        " where order_id like 'FORM%' order by 1"
    )
    assert shown == [
        ("FORM-BACK", True, 2, None, None, None),
        ("FORM-HONEST", False, 2, "honest", "kim", "a canteen"),
    ]
