"""Orders of many millions, in yen as in dollars: every product of an amount and a rate is exact and none overflows."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest

from tests.dbt_project import brand
from tests.dbt_project.conftest import Warehouse
from tests.dbt_project.lake import at, day

D = Decimal
PLACED = "2017-01-05T17:00"
# A hotel chain's order of the year: eight digits before the point.
PAID = 45_678_901.23
YEN = 4_500_000_000.0


@pytest.fixture(scope="module")
def built(warehouse: Warehouse) -> Warehouse:
    lake = warehouse.fresh()
    currencies = warehouse.reference / "currencies.csv"
    shipped = currencies.read_text(encoding="utf-8")
    currencies.write_text(shipped.replace("JPY,Yen,日元,¥,0,", "JPY,Yen,日元,¥,0,0.00912345"), encoding="utf-8")
    lake.land("pos.stores", [{"store_id": "S1", "channel_id": "store", "region": "Northeast", "timezone": brand.ZONE}])
    lake.land(
        "pos.sale_lines",
        [
            brand.line("B1", 1, PLACED, "MILK", 9_000_000, PAID, tax_amount=3_000_000.0, currency="USD"),
            brand.line("B2", 1, PLACED, "MILK", 9_000_000, YEN, currency="JPY"),
        ],
    )
    lake.land("ecommerce.orders", [brand.order("A1", PLACED, total_amount=PAID)], source="shop_a")
    lake.land(
        "ecommerce.order_lines", [brand.order_line("A1", 1, "MILK", 9_000_000, PAID, tax_rate=0.13)], source="shop_a"
    )
    lake.land(
        "ecommerce.refunds",
        [
            {
                "shop_id": "shop_a", "refund_id": "R1", "order_id": "A1", "line_no": 1, "kind": "refund_only",
                "status": "completed", "amount": 12_345_678.9, "refunded_at": at(PLACED), "updated_at": at(PLACED),
            }
        ],
        source="shop_a",
    )  # fmt: skip
    lake.land("erp.items", [{"sku": "MILK", "category": "DAIRY", "standard_cost": 2.0, "list_price": 9.0}])
    lake.land(
        "erp.costs",
        [
            {
                "channel_id": "*", "shop_id": "*", "category": "*", "cost_kind": kind, "rate": 0.123456,
                "valid_from": day("2016-01-01"), "amount_per_order": 98_765_432.0 if kind == "shipping" else None,
            }
            for kind in ("commission", "fulfilment", "shipping")
        ],
    )  # fmt: skip
    lake.land(
        "ads.daily",
        [
            {
                "platform": "own", "campaign_id": "C1", "on": day("2017-01-05"), "shop_id": "shop_a",
                "cash_amount": 23_456_789.01,
            }
        ],
    )  # fmt: skip
    lake.land(
        "settlement.lines",
        [
            {
                "platform": "shop_a", "statement_id": "W1", "line_id": kind, "order_id": "A1", "kind": kind,
                "amount": amount, "settled_at": at("2017-01-11T15:00"), "observed_at": at("2017-01-11T15:00"),
            }
            for kind, amount in (("income", PAID), ("commission", -5_000_000.01))
        ],
    )  # fmt: skip
    warehouse.build()
    return warehouse


def test_a_tills_fees_are_exact_shares_of_millions(built: Warehouse) -> None:
    (net, fees) = built.rows(
        "select net_sales_amount, platform_fee_amount from mart_channel_daily where location_id = 'S1'"
    )[0]
    yen = D("4500000000") * D("0.00912345")
    assert net == D("45678901.23") + yen
    assert fees == (net * D("0.123456")).quantize(D("0.0001"))


def test_a_web_order_is_taxed_and_refunded_to_the_cent(built: Warehouse) -> None:
    sold = built.rows(
        "select net_sales_amount, tax_amount from fct_sales_line where sale_id = 'A1' and line_kind = 'sale'"
    )
    assert sum(sold[0]) == D("45678901.23")
    assert sold[0][1] == pytest.approx(D("45678901.23") * 13 / 113, abs=D("0.0001"))
    refunded = built.rows("select net_sales_amount, tax_amount from fct_sales_line where line_kind = 'refund'")
    assert sum(refunded[0]) == D("-12345678.9")
    assert refunded[0][1] == pytest.approx(-D("12345678.9") * 13 / 113, abs=D("0.0001"))


def test_bill_and_campaign_of_millions_reach_the_margin(built: Warehouse) -> None:
    fees, ads = built.rows(
        "select sum(platform_fee_amount), sum(ads_amount) from mart_channel_daily where shop_id = 'shop_a'"
    )[0]
    assert (fees, ads) == (D("5000000.01"), D("23456789.01"))


# Net sales of one SKU a day, and its fee rate: on either side of what fits 18 digits, and a half cent of a cent.
EDGES = {
    "fits": (99_999_999.0, 0.999_999),
    "one too much": (100_000_000.0, 0.123_456),
    "seven decimals": (12_345.67, 0.123_456_7),
    "a rate of one": (7.5, 1.0),
    "more than all": (7.5, 1.25),
    "a tie": (0.25, 0.000_2),
    "a tie below": (-0.25, 0.000_2),
    "nothing": (3.0, 0.0),
}


def test_fees_and_costs_are_exact_whichever_way_they_are_multiplied(warehouse: Warehouse) -> None:
    lake = warehouse.fresh()
    lake.land("pos.stores", [{"store_id": "S1", "channel_id": "store", "region": "Northeast", "timezone": brand.ZONE}])
    units, cost = {"one too much": 100_000.0, "fits": 99_999.0}, {"seven decimals": 100_000.0, "fits": 99_999.9999}
    lake.land(
        "pos.sale_lines",
        [
            brand.line(f"B-{sku}", 1, PLACED, sku, units.get(sku, 3.0), net, line_kind="sale" if net > 0 else "return")
            for sku, (net, _) in EDGES.items()
        ],
    )
    lake.land(
        "erp.items",
        [{"sku": sku, "category": sku, "standard_cost": cost.get(sku, 1.2345), "list_price": 9.0} for sku in EDGES],
    )
    lake.land(
        "erp.costs",
        [
            {
                "channel_id": "*", "shop_id": "*", "category": sku, "cost_kind": "commission", "rate": rate,
                "valid_from": day("2016-01-01"),
            }
            for sku, (_, rate) in EDGES.items()
        ],
    )  # fmt: skip
    warehouse.build()
    rows = warehouse.rows("select sku, units, platform_fee_amount, cost_amount from mart_channel_daily")
    assert {sku: (fee, cost) for sku, _, fee, cost in rows} == {
        sku: (
            _rounded(D(str(net)) * D(str(rate))),
            _rounded(sold * D(str(cost.get(sku, 1.2345)))),
        )
        for sku, sold, _, _ in rows
        for net, rate in [EDGES[sku]]
    }


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(D("0.0001"), ROUND_HALF_UP)
