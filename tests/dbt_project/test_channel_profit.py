"""From list price to contribution margin: rates until a bill or a parcel tells, shares that add up to the cent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.dbt_project import brand
from tests.dbt_project.conftest import Warehouse
from tests.dbt_project.lake import at, day

D = Decimal
PLACED = "2017-01-05T17:00"


def rate(channel: str, kind: str, share: float, shop: str = "*", category: str = "*", **more: Any) -> dict[str, Any]:
    return {
        "channel_id": channel, "shop_id": shop, "category": category, "cost_kind": kind,
        "valid_from": day("2016-01-01"), "rate": share, **more,
    }  # fmt: skip


RATES = [
    rate("*", "commission", 0.10),
    rate("shop_a", "commission", 0.05),
    # A later rate holds from its day on, and not before it.
    rate("shop_a", "commission", 0.20, valid_from=day("2017-01-06")),
    rate("shop_a", "shipping", 0.0, amount_per_order=1.0),
    rate("shop_a", "influencer", 0.50),
    rate("store", "fulfilment", 0.25),
    rate("store", "fulfilment", 0.50, category="CHEESE"),
    rate("store", "commission", 0.0),
    rate("shop_a", "commission", 0.01, category="NOTHING"),
]
ORDERS = [
    brand.order("E1", PLACED),
    brand.order("E2", PLACED, author_id="KOL"),
    brand.order("L1", "2017-01-06T17:00"),
    brand.order("S1", PLACED, platform_order_id="P1"),
]
LINES = [
    brand.order_line("E1", 1, "MILK", 1, 10.0),
    brand.order_line("E1", 2, "BREAD", 1, 20.0),
    brand.order_line("E2", 1, "MILK", 1, 10.0),
    brand.order_line("L1", 1, "MILK", 1, 10.0),
    # Three lines of one worth: a third of a cent each is left over.
    *(brand.order_line("S1", place, "MILK", 1, 10.0) for place in (1, 2, 3)),
]
# The same order through the order system, which comes first by name, and rung up at a till.
OMS = [brand.order("O1", PLACED, platform_order_id="P1")]
OMS_LINES = [brand.order_line("O1", place, "MILK", 1, 10.0) for place in (1, 2, 3)]
BILL = [
    ("S1-income", "income", 30.0, "2017-01-11T15:00"),
    ("S1-commission", "commission", -3.0, "2017-01-11T15:00"),
    ("S1-service_fee", "service_fee", -0.10, "2017-01-11T15:00"),
    # The statement came again: a commission of 2 instead of 3.
    ("S1-commission", "commission", -2.0, "2017-01-14T15:00"),
]
PARCEL = {
    "shipment_id": "PS1", "line_no": 1, "order_id": "S1", "sku": "MILK", "lot_id": "-", "units": 3,
    "freight_amount": 4.0, "shipped_at": at("2017-01-06T15:00"), "updated_at": at("2017-01-06T15:00"),
}  # fmt: skip


@pytest.fixture(scope="module")
def built(warehouse: Warehouse) -> Warehouse:
    lake = warehouse.fresh()
    lake.land("pos.stores", [{"store_id": "S1", "channel_id": "store", "region": "Northeast", "timezone": brand.ZONE}])
    rung_up = brand.line("B2", 1, "2017-01-05T17:30", "MILK", 3, 30.0, platform_order_id="P1")
    lake.land("pos.sale_lines", [brand.line("B1", 1, "2017-01-04T15:00", "CHEESE", 1, 8.0), rung_up])
    lake.land("ecommerce.orders", OMS, source="oms")
    lake.land("ecommerce.order_lines", OMS_LINES, source="oms")
    lake.land("ecommerce.orders", ORDERS, source="shop_a")
    lake.land("ecommerce.order_lines", LINES, source="shop_a")
    lake.land("ecommerce.shipments", [PARCEL], source="shop_a")
    lake.land("erp.costs", RATES)
    lake.land(
        "erp.items",
        [
            {"sku": sku, "category": group, "standard_cost": 2.0, "list_price": 9.0}
            for sku, group in (("MILK", "DAIRY"), ("BREAD", "BAKERY"), ("CHEESE", "CHEESE"))
        ],
    )
    lake.land(
        "settlement.lines",
        [
            {
                "platform": "shop_a", "statement_id": "W1", "line_id": line, "order_id": "S1", "kind": kind,
                "amount": amount, "settled_at": at(issued), "observed_at": at(issued),
            }
            for line, kind, amount, issued in BILL
        ],
    )  # fmt: skip
    lake.land(
        "ads.daily",
        [
            {"platform": "own", "campaign_id": "C1", "on": day(on), "shop_id": "shop_a", "cash_amount": 1.0}
            # Nothing was sold on the second day.
            for on in ("2017-01-06", "2017-01-08")
        ],
    )
    lake.land(
        "trade.promotions",
        [{"promotion_id": "AD1", "starts_on": day("2017-01-02"), "ends_on": day("2017-01-08"), "media_amount": 3.0}],
    )
    lake.land(
        "trade.placements",
        [{"promotion_id": "AD1", "sku": "CHEESE", "store_id": "S1", "week_on": day("2017-01-02")}],
    )
    warehouse.build()
    return warehouse


def costs_of(built: Warehouse, order: str, columns: str) -> list[tuple[Any, ...]]:
    return built.rows(f"select {columns} from int_web_costs where order_id = '{order}' order by sales_line_id")


def test_the_closest_rate_holds_from_its_day_on_until_a_bill_comes(built: Warehouse) -> None:
    columns = "platform_fee_amount, fulfilment_amount, estimated_amount, is_settled"
    assert costs_of(built, "E1", columns) == [
        (D("0.5000"), D("0.3333"), D("0.8333"), False),
        (D("1.0000"), D("0.6667"), D("1.6667"), False),
    ]
    assert costs_of(built, "L1", "platform_fee_amount") == [(D("2.0000"),)]


def test_a_bill_and_a_parcel_replace_the_rates_and_are_shared_out_whole(built: Warehouse) -> None:
    lines = costs_of(built, "O1", "platform_fee_amount, fulfilment_amount, estimated_amount, is_settled")
    assert [sum(column) for column in zip(*(line[:3] for line in lines), strict=True)] == [D("2.1"), D("4"), 0]
    assert {line[3] for line in lines} == {True}
    assert max(line[0] for line in lines) - min(line[0] for line in lines) <= D("0.0002")


def test_an_influencer_costs_on_the_orders_that_one_brought(built: Warehouse) -> None:
    assert costs_of(built, "E2", "influencer_amount") == [(D("5.0000"),)]
    assert costs_of(built, "E1", "influencer_amount") == [(D("0.0000"),), (D("0.0000"),)]


def test_a_till_is_charged_its_categorys_share_and_the_media_that_placed_its_goods(built: Warehouse) -> None:
    columns = (
        "cost_amount, fulfilment_amount, contribution_margin_2_amount, trade_spend_amount, contribution_margin_3_amount"
    )
    assert built.rows(f"select {columns} from mart_channel_daily where channel_id = 'store'") == [
        (D("2.0000"), D("4.0000"), D("2.0000"), D("3.0000"), D("-1.0000"))
    ]


def test_no_campaign_is_lost_on_a_day_without_sales(built: Warehouse) -> None:
    assert built.rows(
        "select sku, category, sold_on, ads_amount, contribution_margin_3_amount from mart_channel_daily "
        "where ads_amount <> 0 order by sold_on"
    ) == [
        ("MILK", "DAIRY", day("2017-01-06"), D("1.0000"), D("4.0000")),
        ("-", None, day("2017-01-08"), D("1.0000"), D("-1.0000")),
    ]


def test_settled_and_estimated_stand_beside_the_margin(built: Warehouse) -> None:
    assert built.rows("select sum(settled_sales_amount), sum(estimated_amount) from mart_channel_daily") == [
        # E1: 1.5 + 1, E2: .5 + 1, L1: 2 + 1
        (D("30.0000"), D("7.0000"))
    ]


def test_a_bill_is_compared_with_its_order_and_the_statement_issued_again_stays_visible(built: Warehouse) -> None:
    columns = "statement_id, issues, payout_amount, restated_amount, expected_fee_amount, difference_kind"
    # A twentieth of 30 was agreed; 2.10 is what the second issue takes, 3.10 what the first one took.
    assert built.rows(f"select {columns} from mart_settlement where order_id = 'O1'") == [
        ("W1", 2, D("27.9000"), D("1.0000"), D("-1.5000"), "fee")
    ]


def test_what_no_bill_has_told_of_is_awaited_until_it_is_due_and_then_listed(built: Warehouse) -> None:
    columns = "order_id, expected_income_amount, payout_amount, due_on, difference_kind"
    found = built.rows(f"select {columns} from mart_settlement where statement_id = '-' order by 1")
    assert found[0] == ("E1", D("30.0000"), D("0.0000"), day("2017-01-12"), "not billed")
    assert [row[0] for row in found] == ["E1", "E2", "L1"]


def test_an_order_seen_by_till_shop_and_order_system_counts_once_and_keeps_its_bill(built: Warehouse) -> None:
    seen = "select sale_id, not_counted_because, sum(net_sales_amount) from fct_sales_line"
    assert built.rows(f"{seen} where sale_id in ('S1', 'O1', 'B2') group by all order by 1") == [
        ("B2", "seen twice", D("30.0000")),
        ("O1", None, D("30.0000")),
        ("S1", "seen twice", D("30.0000")),
    ]
    assert built.rows("select order_id, income_amount from mart_settlement where statement_id <> '-'") == [
        ("O1", D("30.0000"))
    ]
