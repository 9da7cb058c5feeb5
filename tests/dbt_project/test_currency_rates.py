"""Amounts in other currencies are converted at the day's rate, and a rate that comes late restates its days alone."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.dbt_project import brand
from tests.dbt_project.conftest import Warehouse
from tests.dbt_project.increments import edit, restated_in
from tests.dbt_project.lake import SmallLake, at, day

D = Decimal
SALES = tuple(
    f"{one},+mart_settlement tag:{one},+mart_channel_daily tag:{one},+int_sales_basis" for one in ("pass_a", "pass_b")
)
HELD = "select restated_on from int_sales_restated_days order by 1"
THURSDAY, FRIDAY, SATURDAY, MONDAY, TUESDAY = (f"2017-01-{number:02}" for number in (5, 6, 7, 9, 10))
EURO = {"currency": "EUR"}


def told(on: str, rate: float, currency: str = "EUR", **more: Any) -> dict[str, Any]:
    """What a currency was worth on a day, as its source said at the end of that day."""
    return {"currency": currency, "on": day(on), "rate": rate, "observed_at": at(f"{on}T22:00"), **more}


def first_night(lake: SmallLake) -> None:
    """A euro is 1.10 on Friday and 1.20 on Monday, for which a till and a web shop sell; a yen nobody tells of."""
    lake.land("erp.exchange_rates", [told(FRIDAY, 1.10), told(MONDAY, 1.20)])
    lake.land("pos.stores", [{"store_id": "S1", "channel_id": "store", "region": "Northeast", "timezone": brand.ZONE}])
    sold = [
        brand.line(f"B-{on}-{currency}", 1, f"{on}T15:00", "MILK", 1, 10.0, currency=currency, tax_amount=2.0)
        for on in (THURSDAY, FRIDAY, SATURDAY, MONDAY, TUESDAY)
        for currency in ("EUR", "USD")
    ]
    yen = brand.line(f"B-{SATURDAY}-JPY", 1, f"{SATURDAY}T15:00", "MILK", 1, 1000.0, currency="JPY")
    lake.land("pos.sale_lines", [*sold, yen])
    item = {"category": "DAIRY", "standard_cost": 2.0, "updated_at": at("2016-05-01T12:00")}
    lake.land("erp.items", [{"sku": "MILK", "currency": "USD", **item}, {"sku": "BREAD", "currency": "EUR", **item}])
    lake.land(
        "erp.costs",
        [
            {
                "channel_id": "*", "shop_id": "*", "category": "*", "cost_kind": kind, "rate": rate,
                "valid_from": day("2016-01-01"), "amount_per_order": amount, **EURO,
            }
            for kind, rate, amount in (("commission", 0.1, None), ("fulfilment", 0.0, 3.0))
        ],
    )  # fmt: skip
    # Ordered on Friday, sent, refunded and settled when the euro is worth more.
    lake.land("ecommerce.orders", [brand.order("W1", f"{FRIDAY}T15:00", total_amount=100.0, **EURO)], source="shop_a")
    lake.land("ecommerce.order_lines", [brand.order_line("W1", 1, "MILK", 10, 100.0, **EURO)], source="shop_a")
    parcel = {
        "shipment_id": "P1", "line_no": 1, "order_id": "W1", "sku": "MILK", "lot_id": "-", "units": 10,
        "freight_amount": 4.0, "shipped_at": at(f"{MONDAY}T15:00"), "updated_at": at(f"{MONDAY}T15:00"), **EURO,
    }  # fmt: skip
    lake.land("ecommerce.shipments", [parcel], source="shop_a")
    refund = {
        "shop_id": "shop_a", "refund_id": "R1", "order_id": "W1", "line_no": 1, "kind": "refund_only",
        "status": "completed", "amount": 10.0, "refunded_at": at(f"{TUESDAY}T15:00"),
        "updated_at": at(f"{TUESDAY}T15:00"), **EURO,
    }  # fmt: skip
    lake.land("ecommerce.refunds", [refund], source="shop_a")
    lake.land(
        "settlement.lines",
        [
            {
                "platform": "shop_a", "statement_id": "B1", "line_id": line, "order_id": order, "kind": kind,
                "refund_id": refunded, "amount": amount, "settled_at": settled,
                "observed_at": at("2017-01-12T15:00"), **EURO,
            }
            for line, order, kind, refunded, amount, settled in (
                ("1", "W1", "income", None, 100.0, at("2017-01-11T15:00")),
                ("2", "W1", "commission", None, -10.0, at("2017-01-11T15:00")),
                ("3", "W1", "income", "R1", -10.0, at("2017-01-11T15:00")),
                ("4", "W9", "income", None, 10.0, at(f"{SATURDAY}T15:00")),
                ("5", "W8", "income", None, 10.0, None),
            )
        ],
    )  # fmt: skip
    lake.land(
        "ads.daily",
        [
            {
                "platform": "own",
                "campaign_id": "C1",
                "on": day(SATURDAY),
                "shop_id": "shop_a",
                "cash_amount": 5.0,
                **EURO,
            }
        ],
    )


@pytest.fixture(scope="module")
def built(warehouse: Warehouse) -> Warehouse:
    first_night(warehouse.fresh())
    warehouse.build(*SALES)
    return warehouse


def test_a_sale_is_converted_at_its_days_rate_on_weekends_at_the_last_and_before_the_first_at_none(
    built: Warehouse,
) -> None:
    columns = "sold_on, gross_sales_amount, discount_amount, tax_amount, net_sales_amount, not_counted_because"
    found = built.rows(f"select {columns} from fct_sales_line where currency = 'EUR' and shop_id = '-' order by 1")
    rates = {FRIDAY: "1.1", SATURDAY: "1.1", MONDAY: "1.2", TUESDAY: "1.2"}
    assert found[0] == (day(THURSDAY), None, None, None, None, "no exchange rate")
    assert found[1:] == [
        (day(on), D(rate) * 17, D(rate) * 5, D(rate) * 2, D(rate) * 10, None) for on, rate in rates.items()
    ]
    own = "select distinct net_sales_amount, is_counted from fct_sales_line where currency = 'USD'"
    assert built.rows(own) == [(D(10), True)]
    yen = "select net_sales_amount, not_counted_because from fct_sales_line where currency = 'JPY'"
    assert built.rows(yen) == [(None, "no exchange rate")]


def test_a_refund_is_converted_at_its_own_days_rate(built: Warehouse) -> None:
    query = "select line_kind, net_sales_amount from fct_sales_line where shop_id = 'shop_a' order by 1"
    assert built.rows(query) == [("refund", D("-12")), ("sale", D("110"))]


def test_a_bill_is_compared_with_its_order_at_one_rate_and_converted_by_itself_where_no_order_is_known(
    built: Warehouse,
) -> None:
    columns = "order_id, income_amount, refund_amount, difference_amount, difference_kind"
    assert built.rows(f"select {columns} from mart_settlement order by 1") == [
        ("W1", D("110"), D("-11"), D("0"), "agrees"),
        ("W8", D("12"), D("0"), D("12"), "unknown order"),
        ("W9", D("11"), D("0"), D("11"), "unknown order"),
    ]


def test_what_an_order_costs_is_converted_at_its_days_rate_and_a_campaign_at_its_own(built: Warehouse) -> None:
    query = """
        select sum(platform_fee_amount), sum(fulfilment_amount), sum(ads_amount) from mart_channel_daily
        where shop_id = 'shop_a'
    """
    # A commission of 10, freight of 4 beside 3 by the costs' rates, advertising of 5, each in euros.
    assert built.rows(query) == [(D("11"), D("4.4") + D("3.3"), D("5.5"))]


def test_a_cost_that_stands_since_before_the_first_rate_is_converted_at_that_one(built: Warehouse) -> None:
    assert built.rows("select sku, standard_cost_amount from dim_product order by 1") == [
        ("BREAD", D("2.2")),
        ("MILK", D("2")),
    ]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_rates_that_come_late_restate_the_days_whose_rate_changed_and_equal_a_full_build(warehouse: Warehouse) -> None:
    first_night(warehouse.fresh())
    warehouse.build(*SALES)
    for night, dates in RESTATED.items():
        assert (night.__name__, restated_in(night, warehouse, SALES, HELD)) == (night.__name__, dates)


def _a_rate_is_corrected(lake: SmallLake, _: Path) -> None:
    lake.land("erp.exchange_rates", [told(FRIDAY, 1.15, observed_at=at("2017-01-13T00:00"))])
    # An older word on Monday's.
    lake.land("erp.exchange_rates", [told(MONDAY, 1.9, observed_at=at("2017-01-08T00:00"))])


def _a_day_is_told_late_and_another_as_it_was(lake: SmallLake, _: Path) -> None:
    lake.land("erp.exchange_rates", [told(SATURDAY, 1.15), told(TUESDAY, 1.25)])


def _a_currency_is_told_of_for_the_first_time(lake: SmallLake, _: Path) -> None:
    lake.land("erp.exchange_rates", [told(THURSDAY, 0.009, "JPY")])


def _a_day_is_taken_back(lake: SmallLake, _: Path) -> None:
    lake.land("erp.exchange_rates", [told(MONDAY, 1.2, observed_at=at("2017-01-14T00:00"), _op="delete")])


def _a_rate_is_typed_for_the_time_before(_: SmallLake, reference: Path) -> None:
    edit(reference / "currencies.csv", "EUR,Euro,欧元,€,2,\n", "EUR,Euro,欧元,€,2,1.05\n")


# Each night, and the dates that it touches: those on which somebody sold for the currency, and no others.
RESTATED = {
    # The order of Friday is refunded on Tuesday, whose rate is what it was.
    _a_rate_is_corrected: [FRIDAY, SATURDAY],
    _a_day_is_told_late_and_another_as_it_was: [TUESDAY],
    _a_currency_is_told_of_for_the_first_time: [SATURDAY],
    _a_day_is_taken_back: [MONDAY],
    # Nobody knew what Thursday's sale was worth.
    _a_rate_is_typed_for_the_time_before: [THURSDAY],
}
