"""How the warehouse reads a festival's web orders: presales, bundles, gifts, and discounts by who pays them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.dbt_project import brand
from tests.dbt_project.conftest import Warehouse
from tests.dbt_project.lake import at, day

D = Decimal
PLACED = "2017-01-05T17:00"


def presale(number: str, balance: str | None, **more: Any) -> dict[str, Any]:
    paid = at(balance) if balance else None
    told = {"completed_at": None, "status": "paid" if balance else "deposit_paid", **more}
    return brand.order(
        number, PLACED, order_type="presale", deposit_paid_at=at(PLACED), balance_paid_at=paid, paid_at=paid,
        deposit_amount=1.0, total_amount=4.0, **told,
    )  # fmt: skip


def line(number: str, place: int, sku: str, listed: float, paid: float, **more: Any) -> dict[str, Any]:
    return brand.order_line(number, place, sku, 1, paid, **{"list_amount": listed, **more})


def discount(number: str, place: int, seq: int, amount: float, payer: str) -> dict[str, Any]:
    return {
        "shop_id": "shop_a", "order_id": number, "line_no": place, "seq": seq, "kind": "platform_coupon",
        "amount": amount, "borne_by": payer, "observed_at": at(PLACED),
    }  # fmt: skip


ORDERS = [
    presale("P1", "2017-01-11T15:00"),
    presale("P2", None),
    presale("P3", None, cancelled_at=at("2017-01-12T15:00"), presale_state="expired"),
    brand.order("D1", PLACED),
    brand.order("D2", PLACED),
    brand.order("D3", PLACED),
    brand.order("X1", PLACED),
    brand.order("X2", PLACED),
    brand.order("X3", PLACED),
    brand.order("X4", PLACED),
    brand.order("F1", PLACED),
    brand.order("C1", PLACED, cancelled_at=at("2017-01-06T17:00"), status="closed"),
    brand.order("C2", PLACED, paid_at=None, cancelled_at=at("2017-01-06T17:00"), status="closed"),
]
LINES = [
    line("P1", 1, "MILK", 5, 4),
    line("P2", 1, "MILK", 5, 4),
    line("P3", 1, "MILK", 5, 4),
    # 9.00 less 1.00 of the brand on line 1, and on the whole 1.00: .50 of the brand, .50 of the platform.
    line("D1", 1, "MILK", 5, 3.50),
    line("D1", 2, "BREAD", 4, 3.50),
    line("D1", 3, "CHEESE", 0, 0, line_kind="gift"),
    # The shop's amounts do not add up: shared out by what was paid, a cent to the largest remainder.
    line("D2", 1, "MILK", 3, 1),
    line("D2", 2, "BREAD", 4, 2),
    # Of a whole 2.00 a platform bears .05, an influencer and a bank .10 each; 1.00 more stands on a line.
    line("D3", 1, "TEA", 6, 4),
    line("D3", 2, "TEA", 6, 5),
    # A bundle with amounts on both, on itself alone, on its components alone.
    line("X1", 1, "BOX", 10, 9, line_kind="bundle"),
    line("X1", 2, "MILK", 6, 5, line_kind="component", parent_line_no=1),
    line("X1", 3, "BREAD", 4, 4, line_kind="component", parent_line_no=1),
    line("X2", 1, "BOX", 10, 9, line_kind="bundle"),
    line("X2", 2, "MILK", 0, 0, line_kind="component", parent_line_no=1),
    line("X3", 1, "BOX", 0, 0, line_kind="bundle"),
    line("X3", 2, "MILK", 10, 9, line_kind="component", parent_line_no=1),
    # A bundle sold as one line, that only its listing knows to be one.
    line("X4", 1, "BAG", 10, 9, listing_id="L1"),
    # All borne by the platform.
    line("F1", 1, "JUICE", 5, 0),
    # Cancelled after it was paid, and before.
    line("C1", 1, "WINE", 9, 8),
    line("C2", 1, "WINE", 9, 8),
]
BAG = {
    "shop_id": "shop_a", "listing_id": "L1", "variant_id": "-", "valid_from": day("2017-01-01"),
    "observed_at": at(PLACED),
}  # fmt: skip
BUNDLES = [BAG | {"component_sku": "MILK", "units": 2}, BAG | {"component_sku": "BREAD", "units": 1}]
DISCOUNTS = [
    discount("D1", 1, 1, 1.0, "brand"),
    discount("D1", 0, 1, 0.5, "brand"),
    discount("D1", 0, 2, 0.5, "platform"),
    discount("D2", 0, 1, 0.2, "platform"),
    discount("D3", 1, 1, 1.0, "distributor"),
    discount("D3", 0, 1, 0.05, "platform"),
    discount("D3", 0, 2, 0.1, "influencer"),
    discount("D3", 0, 3, 0.1, "payment"),
    discount("D3", 0, 4, 1.75, "brand"),
    discount("F1", 1, 1, 5.0, "platform"),
]
REFUND = {
    "shop_id": "shop_a", "refund_id": "R1", "order_id": "D1", "line_no": 2, "kind": "exchange", "status": "completed",
    "amount": 0.0, "units": 1, "refunded_at": at("2017-01-12T17:00"), "updated_at": at("2017-01-12T17:00"),
}  # fmt: skip
COMPENSATION = REFUND | {
    "refund_id": "R2", "order_id": "F1", "line_no": None, "kind": "compensation", "amount": 5.0, "units": None,
}  # fmt: skip


@pytest.fixture(scope="module")
def built(warehouse: Warehouse) -> Warehouse:
    lake = warehouse.fresh()
    lake.land("ecommerce.orders", ORDERS, source="shop_a")
    lake.land("ecommerce.order_lines", LINES, source="shop_a")
    lake.land("ecommerce.discounts", DISCOUNTS, source="shop_a")
    lake.land("ecommerce.bundles", BUNDLES, source="shop_a")
    lake.land("ecommerce.refunds", [REFUND, COMPENSATION], source="shop_a")
    items = [("MILK", 1.0), ("BREAD", 1.5), ("CHEESE", 2.0), ("BOX", 2.5), ("TEA", 2.0), ("JUICE", 2.0), ("WINE", 3.0)]
    lake.land(
        "erp.items", [{"sku": sku, "category": "DAIRY", "standard_cost": c, "list_price": 3 * c} for sku, c in items]
    )
    # The shop's own totals are by the day the order was placed.
    units, paid = len(LINES), sum(row["paid_amount"] for row in LINES)
    lake.land(
        "ecommerce.controls",
        [brand.control("ecommerce.order_lines", "2017-01-05", len(LINES), units, paid)],
        source="shop_a",
    )
    warehouse.build()
    return warehouse


def of_order(built: Warehouse, number: str, columns: str) -> list[tuple[Any, ...]]:
    return built.rows(
        f"select {columns} from fct_sales_line where sale_id = '{number}' and line_kind <> 'refund' order by line_no"
    )


def test_each_payers_part_of_a_discount_is_shared_out_whole(built: Warehouse) -> None:
    payers = (
        "borne_by_platform_amount, borne_by_influencer_amount, borne_by_distributor_amount, borne_by_payment_amount"
    )
    first, second = of_order(built, "D3", f"{payers}, borne_by_others_amount")
    assert first == (D("0.0300"), D("0.0500"), D("1.0000"), D("0.0500"), D("1.1300"))
    assert second == (D("0.0200"), D("0.0500"), D("0.0000"), D("0.0500"), D("0.1200"))


def test_a_presale_counts_on_the_day_its_balance_is_paid_and_not_before(built: Warehouse) -> None:
    columns = "sold_on, ordered_on, is_counted, not_counted_because"
    assert of_order(built, "P1", columns) == [(day("2017-01-11"), day("2017-01-05"), True, None)]
    assert of_order(built, "P2", columns) == [(day("2017-01-05"), day("2017-01-05"), False, "unpaid")]


def test_a_deposit_is_followed_by_its_balance_or_open_or_kept(built: Warehouse) -> None:
    assert built.rows("select * from mart_presale") == [
        ("shop_a", "shop_a", "-", day("2017-01-05"), 3, 1, 1, 1, 0.3333, 3, 12, 3, 3, 3, 0, 1)
    ]


def test_gmv_is_what_was_paid_for_before_anything_comes_back(built: Warehouse) -> None:
    found = {
        (sku, str(on)): amounts
        for sku, on, *amounts in built.rows(
            "select sku, sold_on, gmv_amount, net_sales_amount, refund_amount, units, orders, cost_amount"
            " from mart_channel_daily where sku in ('WINE', 'JUICE') or sold_on = '2017-01-11'"
        )
    }
    # The presale on the day of its balance; what the platform bore is part of the price, and its refund takes nothing.
    assert found["MILK", "2017-01-11"] == [4, 4, 0, 1, 1, 1]
    assert found["JUICE", "2017-01-05"] == [5, 5, 0, 1, 1, 2]
    assert found["JUICE", "2017-01-12"] == [0, -5, 5, 0, 0, 0]
    # Of two cancelled orders the one that had been paid; as sales neither counts.
    assert found["WINE", "2017-01-05"] == [8, 0, 0, 0, 0, 0]
    assert len(found) == 4


def test_what_the_platform_pays_of_a_discount_is_income_and_the_rest_is_the_brands(built: Warehouse) -> None:
    found = of_order(
        built, "D1", "gross_sales_amount, discount_amount, borne_by_others_amount, net_sales_amount, stated_amount"
    )
    assert [sum(column) for column in zip(*found, strict=True)] == [D(9), D("1.5"), D("0.5"), D("7.5"), D(7)]
    # As the shop took it off the lines: .50 and .50 of 1.00, half of each the platform's.
    assert [row[2] for row in found] == [D("0.25"), D("0.25"), 0]
    assert [row[1] for row in found] == [D("1.25"), D("0.25"), 0]


def test_where_a_shops_amounts_do_not_add_up_a_discount_is_shared_out_by_what_was_paid(built: Warehouse) -> None:
    assert of_order(built, "D2", "borne_by_others_amount, net_sales_amount") == [
        (D("0.07"), D("1.07")),
        (D("0.13"), D("2.13")),
    ]


@pytest.mark.parametrize(
    ("number", "net", "cost"), [("X1", 9, D("2.5")), ("X2", 9, D("2.5")), ("X3", 9, 1), ("X4", 9, D("3.5"))]
)
def test_a_bundle_is_sold_once_whichever_lines_bear_its_amounts(
    built: Warehouse, number: str, net: int, cost: Decimal
) -> None:
    found = of_order(built, number, "gross_sales_amount, net_sales_amount, cost_amount, is_demand, line_kind")
    assert sum(row[0] for row in found) == 10
    assert sum(row[1] for row in found) == net
    assert sum(row[2] for row in found) == cost
    assert all(is_demand == (kind == "component") for *_, is_demand, kind in found)


def test_gifts_and_components_are_made_and_say_nothing_of_the_price(built: Warehouse) -> None:
    found = {
        sku: (units, price)
        for sku, units, price in built.rows(
            "select sku, units, price_amount from fct_demand_day where demand_on = '2017-01-05' order by sku"
        )
    }
    # Milk: sold in D1 and D2 for 3.75 and 1.07, within three boxes, and two of it in a bag.
    assert found["MILK"] == (D(7), (D("3.75") + D("1.07")) / 2)
    assert found["CHEESE"] == (D(1), None)
    assert not {"BOX", "BAG"} & set(found)


def test_a_bundle_sold_as_one_line_is_one_unit_sold_and_its_goods_are_owed(built: Warehouse) -> None:
    assert built.rows(
        "select sku, units, cost_amount, gross_sales_amount from mart_channel_daily where sku = 'BAG'"
    ) == [("BAG", 1, D("3.5"), 10)]
    assert built.rows("select sku, ordered_units from mart_order_service where order_id = 'X4' order by sku") == [
        ("BREAD", 1),
        ("MILK", 2),
    ]


def test_goods_exchanged_come_back_and_take_no_money(built: Warehouse) -> None:
    assert built.rows(
        "select units, net_sales_amount, sold_on from fct_sales_line where line_kind = 'refund' and sale_id = 'D1'"
    ) == [(D(-1), D(0), day("2017-01-12"))]


def test_a_refund_of_an_order_for_which_nothing_was_paid_is_given_back_whole(built: Warehouse) -> None:
    assert built.rows(
        "select refund_amount, net_sales_amount from fct_sales_line where line_kind = 'refund' and sale_id = 'F1'"
    ) == [(D(5), D(-5))]
