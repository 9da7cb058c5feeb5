"""Balances restated from the earliest touched date on are those of a full build, whatever came late or disordered."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.dbt_project import brand
from tests.dbt_project.conftest import Warehouse
from tests.dbt_project.increments import append, restated_in
from tests.dbt_project.lake import SmallLake, at, day
from tests.dbt_project.test_stock import moved

# Stock and demand by day, with what they are made of, and no more.
STOCK = (
    "pass_a,+fct_demand_day",
    "pass_b,+fct_demand_day tag:pass_b,+mart_stock_adjustment tag:pass_b,+int_stock_basis tag:pass_b,+int_sales_basis",
)
FIRST = "select min(restated_on) from int_stock_restated_days having min(restated_on) is not null"
SPOKE = at("2017-01-14T00:00")


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_stock_stated_night_by_night_equals_a_full_build(warehouse: Warehouse) -> None:
    lake = warehouse.fresh()
    _first_night(lake)
    warehouse.build(*STOCK)
    assert warehouse.rows(FIRST) == []
    for night, first in TOUCHED.items():
        found = restated_in(night, warehouse, STOCK, FIRST)
        assert (night.__name__, found) == (night.__name__, [first] if first else [])
    warehouse.build(*STOCK)
    assert warehouse.rows(FIRST) == []


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_day_that_begins_at_another_hour_restates_all_stock(warehouse: Warehouse, tmp_path: Path) -> None:
    lake = warehouse.fresh()
    _first_night(lake)
    warehouse.build(*STOCK)
    later = Warehouse(tmp_path, TILLMILL_DAY_STARTS_AT="11:00")
    later.lake = lake
    shutil.copyfile(warehouse.candidate, later.candidate)
    with later.dbt:
        # What came in at ten in the morning of the 26th now belongs to Christmas day.
        assert restated_in(_nothing, later, STOCK, FIRST) == ["2016-12-25"]


def _first_night(lake: SmallLake) -> None:
    brand.land(lake)
    # What the nights bring is not in the totals of the first.
    lake.loads = [load for load in lake.loads if load["stream"] != "pos.controls" or load["load_id"] == "-"]
    lake.land(
        "wms.movements",
        [
            moved("90", "receipt", 20, "2017-01-02T15:00"),
            moved("91", "shipment", 3, "2017-01-04T15:00"),
            moved("92", "shipment", 5, "2017-01-05T15:00"),
            moved("93", "write_off", 2, "2017-01-06T15:00"),
            # Nobody says what place this is, and nobody counts what stands in DC without a lot.
            moved("70", "receipt", 5, "2017-01-03T15:00", sku="CHEESE", location_id="XD"),
            moved("71", "shipment", 2, "2017-01-03T15:00", sku="CHEESE", lot_id="-"),
            moved("72", "shipment", 1, "2017-01-06T15:00", sku="CHEESE", lot_id="-"),
        ],
        source="wms_2",
    )
    lake.land("wms.stock", [_counted("2017-01-09", 10)], source="wms_2")
    # It leaves New York on the 5th and is in Berlin on the 6th, at the same moment.
    lake.land("wms.locations", [{"location_id": "EU", "kind": "dc", "timezone": "Europe/Berlin"}])
    sent = moved("80", "transfer", 3, "2017-01-05T23:30", sku="CHEESE", to_location_id="EU")
    lake.land("wms.movements", [sent], source="wms_2")


def _counted(on: str, units: int, **more: Any) -> dict[str, Any]:
    """A count of lot L9 of BREAD in DC at the close of a day."""
    lot = {"location_id": "DC", "sku": "BREAD", "lot_id": "L9", "quality": "good", "owner_id": "-", "_op": "upsert"}
    return {**lot, "as_of": day(on), "on_hand_units": units, "observed_at": at(f"{on}T23:00"), **more}


def _a_new_day(lake: SmallLake, _: Path) -> None:
    lake.land("pos.sale_lines", [brand.line("B8", 1, "2017-01-12T15:00", "MILK", 1, 2.0)])
    lake.land("wms.movements", [moved("95", "shipment", 2, "2017-01-12T15:00")], source="wms_2")
    lake.land("wms.stock", [_counted("2017-01-13", 7)], source="wms_2")


def _backdated_moved_corrected_deleted(lake: SmallLake, _: Path) -> None:
    rows = [
        moved("91", "shipment", 3, "2017-01-07T15:00", observed_at=SPOKE),
        moved("92", "shipment", 4, "2017-01-05T15:00", observed_at=SPOKE),
        moved("93", "write_off", 2, "2017-01-06T15:00", observed_at=SPOKE, _op="delete"),
        moved("94", "shipment", 1, "2017-01-05T18:00", observed_at=SPOKE),
    ]
    lake.land("wms.movements", [{"_op": "upsert", **row} for row in rows], source="wms_2")


def _a_count_is_corrected_and_another_deleted(lake: SmallLake, _: Path) -> None:
    shelf = {"location_id": "S1", "sku": "MILK", "lot_id": "-"}
    lake.land("wms.stock", [_counted("2017-01-09", 11, observed_at=SPOKE)], source="wms_2")
    gone = _counted("2017-01-09", 0, **shelf, observed_at=SPOKE, _op="delete")
    lake.land("wms.stock", [gone])


def _a_first_count_tells_back(lake: SmallLake, _: Path) -> None:
    first = _counted("2017-01-13", 4, sku="CHEESE", lot_id="-")
    lake.land("wms.stock", [first], source="wms_2")


def _a_shelf_is_counted_for_the_first_time(lake: SmallLake, _: Path) -> None:
    lake.land("wms.stock", [_counted("2017-01-11", 6, location_id="S1", sku="BREAD", lot_id="-")], source="wms_2")


def _the_only_count_is_deleted(lake: SmallLake, _: Path) -> None:
    gone = {"observed_at": SPOKE, "_op": "delete"}
    lake.land("wms.stock", [_counted("2017-01-13", 4, sku="CHEESE", lot_id="-", **gone)], source="wms_2")


def _no_count_of_a_shelf_is_left(lake: SmallLake, _: Path) -> None:
    gone = {"observed_at": SPOKE, "_op": "delete"}
    shelf = {"location_id": "S1", "sku": "BREAD", "lot_id": "-"}
    lake.land("wms.stock", [_counted("2017-01-11", 6, **shelf, **gone)], source="wms_2")


def _a_till_line_is_deleted_and_one_comes_late(lake: SmallLake, _: Path) -> None:
    gone = {**brand.TILL_LINES[2], "observed_at": at("2017-01-13T00:00"), "_op": "delete"}
    late = {**brand.line("B9", 1, "2017-01-09T15:00", "MILK", 1, 2.0), "_op": "upsert"}
    lake.land("pos.sale_lines", [gone, late])


def _goods_come_from_where_it_is_tomorrow(lake: SmallLake, _: Path) -> None:
    back = moved("81", "transfer", 1, "2017-01-08T23:30", sku="CHEESE", location_id="EU", to_location_id="DC")
    lake.land("wms.movements", [back], source="wms_2")


def _a_zone_is_corrected(lake: SmallLake, _: Path) -> None:
    place = {"location_id": "EU", "kind": "dc", "timezone": "America/Chicago"}
    lake.land("wms.locations", [{**place, "updated_at": at("2017-01-17T00:00")}])


def _a_place_becomes_known(lake: SmallLake, _: Path) -> None:
    lake.land("wms.locations", [{"location_id": "XD", "kind": "dc"}])


def _a_warehouse_is_a_store(lake: SmallLake, _: Path) -> None:
    lake.land("wms.locations", [{"location_id": "DC", "kind": "store", "updated_at": at("2017-01-17T00:00")}])


def _what_moves_no_stock(lake: SmallLake, reference: Path) -> None:
    """Sales are restated for a cost and a web order, demand learns of a day off and a promotion of long ago, an older
    word comes of what is held and of what was deleted: no shelf is another for any of it."""
    milk = {"sku": "MILK", "category": "DAIRY", "standard_cost": 1.6, "list_price": 4.5, "shelf_life_days": 20}
    lake.land("erp.items", [{**milk, "updated_at": at("2017-01-17T00:00")}])
    paid = brand.order("A2", "2017-01-05T12:00", paid_at=at("2017-01-06T18:00"), updated_at=at("2017-01-13T00:00"))
    lake.land("ecommerce.orders", [paid], source="shop_a")
    append(reference / "holidays.csv", "US,2017-01-10,Founder's day,创始人日,true")
    lake.land("trade.placements", [{**brand.PLACEMENTS[0], "promotion_id": "AD2", "week_on": day(brand.WEEKS[0])}])
    older = [
        moved("92", "shipment", 9, "2017-01-05T15:00", observed_at=at("2017-01-11T12:00")),
        moved("93", "write_off", 2, "2017-01-06T15:00", observed_at=at("2017-01-11T12:00")),
    ]
    lake.land("wms.movements", older, source="wms_2", load_seq=3)


def _nothing(lake: SmallLake, _: Path) -> None:
    """A night on which no source had anything to say."""


# Each night, and the first date that it touches.
TOUCHED = {
    _a_new_day: "2017-01-12",
    # Where the moved one lay, not where it lies.
    _backdated_moved_corrected_deleted: "2017-01-04",
    _a_count_is_corrected_and_another_deleted: "2017-01-09",
    # What DC held of cheese is told back to its first booking.
    _a_first_count_tells_back: "2017-01-03",
    _the_only_count_is_deleted: "2017-01-03",
    # Every sale of bread in S1 is known now.
    _a_shelf_is_counted_for_the_first_time: "2016-12-27",
    _no_count_of_a_shelf_is_left: "2016-12-27",
    _a_till_line_is_deleted_and_one_comes_late: "2017-01-04",
    # The 9th in Berlin, and still the 8th where it arrives.
    _goods_come_from_where_it_is_tomorrow: "2017-01-08",
    # What came on the 6th came on the 5th.
    _a_zone_is_corrected: "2017-01-05",
    _a_place_becomes_known: "2017-01-03",
    # All that was ever booked in DC.
    _a_warehouse_is_a_store: "2016-12-27",
    _what_moves_no_stock: None,
}
