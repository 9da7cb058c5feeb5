"""Facts that restate the days that new loads touch are those of a full build, whatever came, late or out of order."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dbt_project import brand
from tests.dbt_project.conftest import Warehouse
from tests.dbt_project.increments import append, edit, restated_in
from tests.dbt_project.lake import SmallLake, at, day

# The sales facts and what they are made of; two builds of all four passes would prove no more.
SALES = tuple(f"{one},+mart_channel_daily tag:{one},+int_sales_basis" for one in ("pass_a", "pass_b"))
HELD = "select restated_on from int_sales_restated_days order by 1"
# A store and goods that the till alone knows of.
UNKNOWN = {
    number: brand.line("B8", number, "2017-01-09T15:00", sku, 1, 2.0, store_id=store)
    for number, (store, sku) in enumerate((("S8", "NUT"), ("S8", "FIG"), ("S9", "PLUM")), start=1)
}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_sales_stated_night_by_night_equal_a_full_build(warehouse: Warehouse) -> None:
    lake = warehouse.fresh()
    _first_night(lake)
    warehouse.build(*SALES)
    assert warehouse.rows(HELD) == []
    for night, dates in RESTATED.items():
        assert (night.__name__, restated_in(night, warehouse, SALES, HELD)) == (night.__name__, dates)
    assert warehouse.rows("select count(*) from fct_sales_line where sold_on = date '2017-01-04'") == [(0,)]
    assert warehouse.rows("select id from int_ids_undescribed order by kind, id") == [("S8",), ("NUT",)]
    # A night on which no source had anything to say.
    warehouse.build(*SALES)
    assert warehouse.rows(HELD) == []


def _first_night(lake: SmallLake) -> None:
    brand.land(lake)
    # What the nights bring is not in the totals of the first.
    lake.loads = [load for load in lake.loads if load["stream"] != "pos.controls" or load["load_id"] == "-"]
    lake.land("pos.sale_lines", [UNKNOWN[1], UNKNOWN[2]], visible_seq=999)


def _tills(lake: SmallLake, _: Path) -> None:
    new = brand.line("B5", 1, "2017-01-12T15:00", "MILK", 1, 2.0, platform_order_id="P5")
    late = brand.line("B6", 1, "2016-12-20T15:00", "BREAD", 1, 3.0, store_id="S2", member_id="M3")
    moved = {**brand.TILL_LINES[0], "sold_at": at("2017-01-08T15:00"), "observed_at": at("2017-01-13T00:00")}
    older = {**moved, "units": 9, "observed_at": at("2017-01-02T00:00")}
    gone = {**brand.TILL_LINES[2], "observed_at": at("2017-01-13T00:00"), "_op": "delete"}
    back = {**brand.TILL_LINES[2], "observed_at": at("2017-01-06T00:00")}
    lake.land("pos.sale_lines", [gone], load_seq=904, visible_seq=1001)
    # Nobody has said yet what a yuan is worth: it is told of, and not counted.
    foreign = brand.line("B7", 1, "2017-01-11T16:00", "MILK", 1, 14.0, currency="CNY")
    slip = {**UNKNOWN[2], "observed_at": at("2017-01-13T00:00"), "_op": "delete"}
    lake.land("pos.sale_lines", [new, late, moved], load_seq=903, visible_seq=1002)
    lake.land("pos.sale_lines", [{**UNKNOWN[3], "_op": "upsert"}, slip], load_seq=905, visible_seq=1002)
    lake.land("pos.sale_lines", [foreign], load_seq=901, visible_seq=1000)
    lake.land("pos.sale_lines", [older, back], load_seq=902, visible_seq=1003)


def _web_and_trade(lake: SmallLake, _: Path) -> None:
    paid = brand.order("A2", "2017-01-05T12:00", paid_at=at("2017-01-06T18:00"), updated_at=at("2017-01-13T00:00"))
    twice = brand.order("A5", "2017-01-12T15:00", platform_order_id="P5")
    refund = {**brand.REFUNDS[1], "status": "completed", "refunded_at": at("2017-01-09T12:00")}
    lake.land("ecommerce.orders", [paid, twice], source="shop_a", visible_seq=1004)
    lake.land(
        "ecommerce.refunds", [{**refund, "updated_at": at("2017-01-13T00:00")}], source="shop_a", visible_seq=1005
    )
    invoice = {
        "invoice_id": "I1", "line_no": 1, "kind": "blue", "issued_on": day("2016-12-30"), "sku": "MILK", "units": 5,
        "net_amount": 8.0, "tax_amount": 0,
    }  # fmt: skip
    lake.land("erp.invoices", [invoice], visible_seq=1006)
    # It was another store and another SKU: of the one that nobody knows no line is left.
    put_right = {**UNKNOWN[3], "store_id": "S1", "sku": "MILK", "observed_at": at("2017-01-13T00:00")}
    lake.land("pos.sale_lines", [put_right], visible_seq=1006)


def _what_lines_depend_on(lake: SmallLake, reference: Path) -> None:
    store = {"store_id": "S2", "channel_id": "store", "region": "South", "timezone": brand.ZONE}
    lake.land("pos.stores", [{**store, "updated_at": at("2017-01-14T00:00")}], visible_seq=1007)
    bread = {"sku": "BREAD", "category": "BAKERY", "standard_cost": 1.6, "list_price": 4.5, "shelf_life_days": 20}
    lake.land("erp.items", [{**bread, "updated_at": at("2017-01-17T00:00")}], visible_seq=1008)


def _what_nobody_knew_is_described(lake: SmallLake, _: Path) -> None:
    store = {"store_id": "S8", "channel_id": "store", "region": "West", "timezone": brand.ZONE}
    lake.land("pos.stores", [{**store, "updated_at": at("2017-01-14T00:00")}], visible_seq=1009)
    nut = {"sku": "NUT", "category": "SNACKS", "standard_cost": 0.5, "updated_at": at("2017-01-14T00:00")}
    lake.land("erp.items", [nut], visible_seq=1010)


def _it_is_described_no_more(lake: SmallLake, _: Path) -> None:
    gone = {"updated_at": at("2017-01-15T00:00"), "_op": "delete"}
    lake.land("pos.stores", [{"store_id": "S8", **gone}], visible_seq=1011)
    lake.land("erp.items", [{"sku": "NUT", **gone}], visible_seq=1012)


def _a_rate_is_typed(_: SmallLake, reference: Path) -> None:
    edit(reference / "currencies.csv", "CNY,Renminbi,人民币,¥,2,\n", "CNY,Renminbi,人民币,¥,2,0.144\n")


def _the_rate_is_corrected(_: SmallLake, reference: Path) -> None:
    edit(reference / "currencies.csv", ",0.144\n", ",0.15\n")


def _what_was_paid_is_cancelled(lake: SmallLake, _: Path) -> None:
    seen = at("2017-01-15T00:00")
    order = brand.order("A4", "2017-01-10T15:00", platform_order_id="P4", cancelled_at=seen, updated_at=seen)
    lake.land("ecommerce.orders", [order], source="shop_a", visible_seq=1013)


def _a_suspicion_is_lifted(_: SmallLake, reference: Path) -> None:
    append(reference / "suspect_verdicts.csv", "shop_a,A3,honest,2017-01-14,kim,the parcel arrived")


def _a_shop_is_no_revenue(_: SmallLake, reference: Path) -> None:
    edit(reference / "shops.csv", "self_operated,shop_a,true", "self_operated,shop_a,false")


# Each night, and the dates that it touches.
RESTATED = {
    # New, late, moved from one date to another, deleted; neither the version that is older than the one held nor the
    # row of before the deletion touches anything.
    _tills: ["2016-12-20", "2016-12-27", "2017-01-04", "2017-01-08", "2017-01-09", "2017-01-11", "2017-01-12"],
    # Paid later, refunded later, invoiced, and a till's line of P5 that the shop has told of.
    _web_and_trade: ["2016-12-30", "2017-01-05", "2017-01-06", "2017-01-09", "2017-01-12"],
    # All dates of what bread is in, refunds too (its cost), and of store S2 (its region).
    _what_lines_depend_on: ["2016-12-20", "2016-12-27", "2017-01-05", "2017-01-07", "2017-01-10"],
    _what_nobody_knew_is_described: ["2017-01-09"],
    _it_is_described_no_more: ["2017-01-09"],
    _a_rate_is_typed: ["2017-01-11"],
    _the_rate_is_corrected: ["2017-01-11"],
    # No sale any more, and still a deal.
    _what_was_paid_is_cancelled: ["2017-01-10"],
    _a_suspicion_is_lifted: ["2017-01-05"],
    # All dates of lines of the shop's orders and refunds.
    _a_shop_is_no_revenue: ["2017-01-05", "2017-01-06", "2017-01-07", "2017-01-09", "2017-01-10"],
}
