"""What a customer bought: samples, and shops that bring no revenue, make nobody a customer, in no table or metric."""

from __future__ import annotations

import hashlib
from typing import Any

import duckdb
import pytest

from tests.dbt_project import brand, metrics
from tests.dbt_project.conftest import Warehouse
from tests.dbt_project.lake import at, day

# C got a sample before the first order, and buys in a shop that brings no revenue too; E buys there alone.
PLACED = [
    ("C", "S1", "2017-01-01T17:00", {"order_type": "sample"}, "CHEESE", 50.0),
    ("C", "N1", "2017-01-10T17:00", {}, "MILK", 4.0),
    ("C", "R1", "2017-01-11T17:00", {"order_type": "resend"}, "MILK", 4.0),
    ("C", "B1", "2017-01-12T17:00", {"shop_id": "shop_b"}, "CHEESE", 90.0),
    ("D", "N2", "2017-01-12T17:00", {}, "MILK", 6.0),
    ("E", "B2", "2017-01-12T17:00", {"shop_id": "shop_b"}, "CHEESE", 80.0),
]


def _identity(customer: str, number: str, shop: str) -> dict[str, Any]:
    token = hashlib.md5(f"shop_a|order|{shop}|{number}".encode()).hexdigest()
    return {"record_token": token, "customer_id": customer, "decided_at": at("2017-01-16T12:00")}


@pytest.fixture(scope="module")
def built(warehouse: Warehouse) -> Warehouse:
    lake = warehouse.fresh()
    shops = warehouse.reference / "shops.csv"
    shops.write_text(shops.read_text().replace("flagship,shop_b,true", "flagship,shop_b,false"))
    orders, lines, identities = [], [], []
    for customer, number, when, more, sku, paid in PLACED:
        shop = more.get("shop_id", "shop_a")
        orders.append(brand.order(number, when, buyer_phone=customer, **more))
        lines.append(brand.order_line(number, 1, sku, 1, paid, shop_id=shop))
        identities.append(_identity(customer, number, shop))
    lake.land("ecommerce.orders", orders, source="shop_a")
    lake.land("ecommerce.order_lines", lines, source="shop_a")
    lake.land("erp.items", [{"sku": sku, "category": sku} for sku in ("MILK", "CHEESE")])
    lake.land("customers.identities", identities)
    warehouse.build("pass_a", "pass_b", "pass_c")
    return warehouse


def test_the_first_order_is_the_first_that_brings_revenue(built: Warehouse) -> None:
    assert built.rows(
        "select customer_id, first_order_on, last_order_on, frequency, monetary_amount, favourite_category "
        "from mart_customer_360 order by 1"
    ) == [
        ("C", day("2017-01-10"), day("2017-01-10"), 1, 4, "MILK"),
        ("D", day("2017-01-12"), day("2017-01-12"), 1, 6, "MILK"),
    ]
    assert built.rows("select customer_id, category from int_customer_categories order by 1") == [
        ("C", "MILK"),
        ("D", "MILK"),
    ]


def test_every_buyer_was_new_once_and_metrics_and_tables_agree(built: Warehouse) -> None:
    with duckdb.connect(str(built.candidate), read_only=True) as connection:
        asked = ("buyers", "new_buyers", "customers", "monetary", "buyers_sales")
        counted = {name: metrics.value(connection, name) for name in asked}
    assert counted == {"buyers": 2, "new_buyers": 2, "customers": 2, "monetary": 10, "buyers_sales": 10}
    assert built.rows("select customer_id, net_sales_amount from int_customer_orders order by 1") == [
        ("C", 4),
        ("D", 6),
    ]
