"""The second web shop over GraphQL: what it lists, page by page, what it withholds, and how it says no."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from demo import days, world
from demo.systems import graphql_shop
from tests.demo.conftest import addresses, advance, secrets_of

ORDERS = """
query ($options: ListOptions) {
  orders(options: $options) { totalItems items { number total updatedAt lines { position sku paidTotal } } }
}"""
KEYS = {"orders": ["number"], "refunds": ["refund_no"], "shipments": ["parcel_no", "line"]}


def asked(root: Path, query: str, token: str | None = None, **options: Any) -> dict[str, Any]:
    """The whole answer to one query; it has status 200 whatever it says."""
    word = token or secrets_of(root)["shop_b"]["token"]
    answer = httpx.post(
        addresses(root)["shop_b"]["base_url"],
        json={"query": query, "variables": {"options": options}},
        headers={"Authorization": f"Bearer {word}"},
        trust_env=False,
    )
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


def orders(root: Path, **more: Any) -> Iterator[dict[str, Any]]:
    """Every order, some at a time."""
    skip, total = 0, 1
    while skip < total:
        found = asked(root, ORDERS, skip=skip, take=70, **more)["data"]["orders"]
        yield from found["items"]
        skip, total = skip + len(found["items"]), found["totalItems"]
    assert skip == total


def known(root: Path, table: str, clock: datetime = days.CLOCK_AT_START) -> pl.DataFrame:
    """The table's rows, or of those that change the last version, in the order in which they became known."""
    rows = world.table(root, f"shop_b.{table}").filter(pl.col("known_at") <= clock).collect()
    key = KEYS.get(table)
    return rows if key is None else rows.filter(pl.struct(key).is_last_distinct())


def test_every_known_order_is_listed_once_with_all_its_lines_in_cents(running: Path) -> None:
    told = list(orders(running))
    assert [order["number"] for order in told] == known(running, "orders")["number"].to_list()
    assert max(order["updatedAt"] for order in told) <= "2017-12-04T04:01:20Z"
    assert [order["total"] for order in told] == (known(running, "orders")["total"] * 100).cast(pl.Int64).to_list()
    lines = {(order["number"], line["position"], line["sku"]) for order in told for line in order["lines"]}
    assert lines == set(known(running, "order_lines").select("number", "position", "sku").iter_rows())
    assert all(sum(line["paidTotal"] for line in order["lines"]) == order["total"] for order in told)


def test_a_day_later_the_filter_gives_that_day_alone(moving: Path) -> None:
    before = {order["number"] for order in orders(moving)}
    advance(moving, 3)
    new = list(orders(moving, filter={"updatedAt": {"after": "2017-12-04T04:01:20Z"}}))
    assert {order["number"] for order in new} == {order["number"] for order in orders(moving)} - before != set()
    clock = days.CLOCK_AT_START + timedelta(days=3)
    assert all(order["lines"] for order in new)
    assert max(datetime.fromisoformat(order["updatedAt"]) for order in new) <= clock.astimezone(UTC)


@pytest.mark.parametrize("table", graphql_shop.LISTS)
def test_every_column_of_a_listed_table_can_be_asked_for(running: Path, table: str) -> None:
    shown = {name: column for column in known(running, table).columns if (name := graphql_shop.camel(column))}
    fields = [name for name in shown if name not in ("knownAt", "updatedAt")]
    name = graphql_shop.camel(table)
    query = f"query ($options: ListOptions) {{ {name}(options: $options) {{ items {{ {' '.join(fields)} }} }} }}"
    answer = asked(running, query, take=1000)
    assert "errors" not in answer
    told = answer["data"][name]["items"]
    rows = known(running, table).head(1000)
    assert len(told) == rows.height > 0
    for field in fields:
        values = rows[shown[field]]
        if values.dtype.is_decimal():
            # Money has two places and comes in cents; units have three and come as they are.
            is_money = values.cast(pl.String).str.contains(r"\.[0-9]{2}$").all()
            values = (values * 100).cast(pl.Int64) if is_money else values.cast(pl.Float64)
        if not values.dtype.is_temporal():
            assert [one[field] for one in told] == values.to_list()


def test_trouble_is_told_inside_a_200(running: Path) -> None:
    foreign = secrets_of(running)["shop_a"]["token"]
    assert asked(running, ORDERS, token=foreign)["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert "data" not in asked(running, ORDERS, token="guess")
    assert "take is 0 to 1000" in asked(running, ORDERS, take=1001)["errors"][0]["message"]
    assert "take is 0 to 1000" in asked(running, ORDERS, skip=-1)["errors"][0]["message"]
    assert "'price'" in asked(running, "{ orders { items { price } } }")["errors"][0]["message"]
    late = asked(running, ORDERS, filter={"updatedAt": {"after": "yesterday"}})
    assert "yesterday" in late["errors"][0]["message"]
    nothing = httpx.post(
        addresses(running)["shop_b"]["base_url"],
        content=b"[1]",
        headers={"Authorization": f"Bearer {secrets_of(running)['shop_b']['token']}"},
        trust_env=False,
    )
    assert nothing.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
