"""What passes to and through the trade stands beside sales to shoppers and is never added to them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.dbt_project import brand
from tests.dbt_project.conftest import Warehouse
from tests.dbt_project.lake import at, day

D = Decimal


def moved(entry: str, kind: str, units: int) -> dict[str, Any]:
    return {
        "entry_id": entry, "distributor_id": "D1", "sku": "MILK", "lot_id": "-", "kind": kind, "units": units,
        "outlet_id": "S1", "at": at("2017-01-04T15:00"),
    }  # fmt: skip


def invoice(number: str, kind: str, units: int, net: float) -> dict[str, Any]:
    return {
        "invoice_id": number, "line_no": 1, "kind": kind, "sku": "MILK", "units": units, "net_amount": net,
        "tax_rate": 0.1, "tax_amount": net / 10, "issued_on": day("2017-01-03"),
    }  # fmt: skip


def by_view(built: Warehouse) -> dict[str, tuple[Any, ...]]:
    columns = "sales_view, sum(units), sum(net_sales_amount), sum(net_sales_with_tax_amount), bool_or(is_counted)"
    return {row[0]: row[1:] for row in built.rows(f"select {columns} from fct_sales_line group by 1")}


@pytest.fixture
def landed(warehouse: Warehouse) -> Warehouse:
    lake = warehouse.fresh()
    lake.land("pos.stores", [{"store_id": "S1", "channel_id": "store", "region": "Northeast", "timezone": brand.ZONE}])
    lake.land("pos.sale_lines", [brand.line("B1", 1, "2017-01-04T15:00", "MILK", 2, 8.0)])
    lake.land("erp.items", [{"sku": "MILK", "category": "DAIRY", "standard_cost": 2.0, "list_price": 6.0}])
    lake.land("distributor.partners", [{"distributor_id": "D1", "territory": "Northeast"}])
    booked = [moved("1", "purchase", 20), moved("2", "return", 5), moved("3", "sale", 10), moved("4", "write_off", 1)]
    lake.land("distributor.movements", booked)
    return warehouse


def test_without_invoices_distributors_say_what_was_sold_in(landed: Warehouse) -> None:
    landed.build("pass_a", "pass_b")
    assert by_view(landed) == {
        "sell_in": (D("15"), None, None, False),
        "sell_through": (D("10"), None, None, False),
        "sell_out": (D("2"), D("8"), D("8"), True),
    }
    assert landed.rows("select sum(units), sum(net_sales_amount) from mart_channel_daily") == [(D("2"), D("8"))]


def test_with_invoices_those_are_the_sell_in_with_and_without_tax(landed: Warehouse) -> None:
    landed.lake.land("erp.invoices", [invoice("I1", "blue", 20, 60.0), invoice("I2", "red", 5, -15.0)])
    landed.build("pass_a", "pass_b")
    assert by_view(landed)["sell_in"] == (D("15"), D("45"), D("49.5"), False)
    assert by_view(landed)["sell_through"][0] == D("10")
