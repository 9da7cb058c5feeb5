"""GraphQL sources by the whole runner: paging, errors in a 200, cost limits, bulk result files."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ingestion.connectors.graphql import Pull
from tests.faults.http_feed import SECRET, Feed, feeding
from tests.faults.http_server import FaultServer, Reply, Request, failing, packed, told

BY_CURSOR = {
    "query": "query ($first: Int!, $after: String, $filter: String) { stores { id } }",
    "items": "stores.nodes",
    "size_param": "first",
    "size": 2,
    "cursor_param": "after",
    "next": "stores.pageInfo.endCursor",
    "more": "stores.pageInfo.hasNextPage",
    "since_param": "filter",
    "since_value": "updated_at:>='{since}'",
    "since_field": "at",
    "overlap_seconds": 0,
}
BY_SKIP = {
    "query": "query ($options: Options) { stores { items { id } } }",
    "items": "stores.items",
    "variables": {"options": {"sort": {"id": "ASC"}}},
    "offset_param": "options.skip",
    "size_param": "options.take",
    "size": 2,
    "total_rows": "stores.totalItems",
}
SIGNED = {"base_url": "http://127.0.0.1:{port}/graphql", "sign": "shopify", "access_token": "file:token"}
PLAIN = {"base_url": "http://127.0.0.1:{port}/graphql"}
COST = {"requestedQueryCost": 100, "throttleStatus": {"currentlyAvailable": 90, "restoreRate": 50.0}}


def store(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"s{number}", "name": f"Store {number}", "at": f"2026-01-0{number}T00:00:00Z", **more}


class Shop:
    """A server that answers by cursor, or by skip and take."""

    def __init__(self, rows: list[dict[str, Any]], extensions: dict[str, Any] | None = None) -> None:
        self.rows, self.extensions = rows, extensions or {}

    def __call__(self, request: Request) -> Reply:
        variables = request.json["variables"]
        options = variables.get("options", variables)
        since = str(variables.get("filter", "")).removeprefix("updated_at:>='").rstrip("'")
        found = [row for row in self.rows if row["at"] >= since]
        start = int(options.get("skip", options.get("after") or 0))
        end = start + int(options.get("take", options.get("first", 2)))
        part, page = found[start:end], {"endCursor": str(end), "hasNextPage": end < len(found)}
        edges = [{"node": row} for row in part]
        stores = {"nodes": part, "edges": edges, "items": part, "pageInfo": page, "totalItems": len(found)}
        return told({"data": {"stores": stores}, "extensions": self.extensions})


@pytest.mark.parametrize(
    "pull", [BY_CURSOR, BY_CURSOR | {"items": "stores.edges"}, BY_SKIP], ids=["cursor", "edges", "skip and take"]
)
def test_every_kind_of_paging_brings_every_row_and_then_only_what_changed(tmp_path: Path, pull: dict[str, Any]) -> None:
    shop = Shop([store(number) for number in range(1, 6)])
    with feeding(tmp_path, FaultServer(shop), pull, SIGNED, "graphql") as feed:
        assert feed.pull().landed == 5
        assert feed.server.asked[0].headers["x-shopify-access-token"] == SECRET
        assert feed.server.asked[0].json["query"] == pull["query"]
        shop.rows.append(store(6))
        assert feed.pull().landed == 1
        assert feed.ids == [f"s{number}" for number in range(1, 7)]
    if pull["items"] != "stores.items":
        filters = [request.json["variables"].get("filter") for request in feed.server.asked]
        assert filters == [None, None, None, "updated_at:>='2026-01-05T00:00:00Z'"]


def test_errors_in_a_200_stop_in_the_servers_words_without_our_secrets(tmp_path: Path) -> None:
    """Fault 5: partial data beside errors is not data."""
    shop = Shop([store(1)])
    error = {"errors": [{"message": f"Field 'x' is gone; token {SECRET}"}], "data": {"stores": {"nodes": [store(1)]}}}
    with feeding(tmp_path, FaultServer(shop, [told(error)]), BY_CURSOR, SIGNED, "graphql") as feed:
        stopped = feed.pull()
        assert stopped.error is not None
        assert "Field 'x' is gone; token ***" in stopped.error
        assert (feed.ids, feed.cursor.value) == ([], None)
        assert feed.pull().landed == 1


def test_a_throttled_query_waits_until_its_cost_is_restored(tmp_path: Path) -> None:
    """Fault 5 and 3: told to have 90 of 100 points at 50 a second, the query comes again after a fifth of a second."""
    throttled = {
        "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
        "extensions": {"cost": COST},
    }
    shop = Shop([store(number) for number in range(1, 5)], {"cost": COST})
    patience = SIGNED | {"most_wait_seconds": 5}
    with feeding(tmp_path, FaultServer(shop, [told(throttled)]), BY_CURSOR, patience, "graphql") as feed:
        assert feed.pull().landed == 4
        at = [request.at for request in feed.server.asked]
        assert at[1] - at[0] >= 0.2, "the throttled query"
        assert at[2] - at[1] >= 0.2, "the next one, which would be throttled"
        feed.server.faults = [told(throttled)] * 9
        stopped = feed.pull()
        assert stopped.error is not None
        assert "the query was throttled, after 3 attempts" in stopped.error


def test_a_next_page_that_is_not_named_stops(tmp_path: Path) -> None:
    """Fault 7: `hasNextPage` without a cursor would lose every page that follows."""
    page = {"stores": {"nodes": [store(1)], "pageInfo": {"hasNextPage": True, "endCursor": None}}}
    server = FaultServer(lambda request: told({"data": page}))
    with feeding(tmp_path, server, BY_CURSOR, SIGNED, "graphql") as feed:
        stopped = feed.pull()
        assert stopped.error is not None
        assert "says that there is more, but not where" in stopped.error


def test_a_nested_list_that_is_not_all_there_is_quarantined_whole(tmp_path: Path) -> None:
    """Half of an order's lines is worse than none."""
    lines = [{"id": f"l{number}"} for number in range(2)]
    whole = store(1, lines={"nodes": lines, "pageInfo": {"hasNextPage": False}})
    half = store(2, lines={"nodes": lines, "pageInfo": {"hasNextPage": True}})
    exploded = BY_CURSOR | {"explode": "lines.nodes", "parents": ["name", "at"]}
    with feeding(tmp_path, FaultServer(Shop([whole, half])), exploded, SIGNED, "graphql") as feed:
        result = feed.pull()
        assert (result.pulled, result.landed, result.quarantined) == (3, 2, 1)
        assert feed.rows.select("store_id", "name").rows() == [("l0", "Store 1"), ("l1", "Store 1")]
        assert "has more than the query asks for" in feed.bad["reason"][0]


BULK = {"query": '{ stores(query: "{filter}") { edges { node { id } } } }', "bulk": True, "bulk_poll_seconds": 0}
BULK |= {"since_param": "filter", "since_value": "updated_at:>='{since}'", "since_field": "at", "overlap_seconds": 0}


class Bulk:
    """A server that runs bulk operations: two looks after it was begun, the result is there."""

    def __init__(self, lines: list[Any], port_of: list[Feed], status: str = "COMPLETED", host: str = "") -> None:
        self.lines, self.port_of, self.status, self.host = lines, port_of, status, host
        self.queries: list[str] = []
        self.looks = 0
        self.faults: list[Reply] = []

    def __call__(self, request: Request) -> Reply:
        if request.path == "/result":
            assert "x-shopify-access-token" not in request.headers
            text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in self.lines) + "\n"
            return self.faults.pop(0) if self.faults else packed(Reply(text.encode()))
        if "bulkOperationRunQuery" in request.json["query"]:
            self.queries.append(request.json["variables"]["query"])
            self.looks = 0
            operation = {"bulkOperation": {"id": "gid://shopify/BulkOperation/1"}, "userErrors": []}
            return told({"data": {"bulkOperationRunQuery": operation}})
        self.looks += 1
        status = self.status if self.looks > 2 else "RUNNING"
        url = f"{self.host or f'http://127.0.0.1:{self.port_of[0].port}'}/result"
        node = {"status": status, "errorCode": None, "url": url if self.lines else None}
        return told({"data": {"node": node}})


def order(number: int) -> dict[str, Any]:
    return {"id": f"gid://shopify/Order/{number}", "name": f"Order {number}", "at": f"2026-01-0{number}T00:00:00Z"}


def line(number: int, parent: int) -> dict[str, Any]:
    return {"id": f"gid://shopify/LineItem/{number}", "__parentId": f"gid://shopify/Order/{parent}"}


CHILDREN = BULK | {"bulk_child": "LineItem", "parents": ["name", "at"]}


def test_a_bulk_result_is_waited_for_fetched_and_read_line_by_line(tmp_path: Path) -> None:
    feeds: list[Feed] = []
    discount = {"__typename": "Discount", "__parentId": "gid://shopify/Order/1"}
    shop = Bulk([order(1), line(1, 1), discount, line(2, 1), order(2), "{broken", line(3, 2)], feeds)
    shop.faults = [failing(503), packed(Reply(b'{"id": "x"}\n'), cut=4)]
    with feeding(tmp_path, FaultServer(shop), BULK, SIGNED, "graphql") as feed:
        feeds.append(feed)
        result = feed.pull()
        assert (result.pulled, result.landed, result.quarantined, result.error) == (3, 2, 1, None)
        assert feed.ids == ["gid://shopify/Order/1", "gid://shopify/Order/2"]
        assert "line 6 is no JSON" in feed.bad["reason"][0]
        shop.lines = [order(2)]
        assert feed.pull().pulled == 0
    assert [query.split('"')[1] for query in shop.queries] == ["", "updated_at:>='2026-01-02T00:00:00Z'"]


def test_children_of_a_bulk_result_carry_their_parents_fields(tmp_path: Path) -> None:
    feeds: list[Feed] = []
    shop = Bulk([order(1), line(1, 1), line(2, 1), order(2), line(3, 2), line(4, 9)], feeds)
    with feeding(tmp_path, FaultServer(shop), CHILDREN, SIGNED, "graphql") as feed:
        feeds.append(feed)
        result = feed.pull()
        assert (result.pulled, result.landed, result.quarantined) == (4, 3, 1)
        assert feed.rows["name"].to_list() == ["Order 1", "Order 1", "Order 2"]
        assert "does not stand above it" in feed.bad["reason"][0]


def test_a_bulk_operation_that_fails_or_lies_elsewhere_stops(tmp_path: Path) -> None:
    """A part of a result must not be taken for the whole, nor a file from a host nobody named."""
    feeds: list[Feed] = []
    shop = Bulk([order(1)], feeds, status="FAILED")
    with feeding(tmp_path, FaultServer(shop), BULK, SIGNED, "graphql") as feed:
        feeds.append(feed)
        assert "ended as FAILED" in (feed.pull().error or "")
        shop.status, shop.host = "COMPLETED", "https://elsewhere.example"
        assert "lies on elsewhere.example" in (feed.pull().error or "")
        shop.host, shop.status = "", "RUNNING"
    started = time.monotonic()
    with feeding(tmp_path / "slow", FaultServer(shop), BULK | {"bulk_wait_seconds": 0.3}, SIGNED, "graphql") as feed:
        assert "not done within" in (feed.pull().error or "")
    assert time.monotonic() - started < 5
    shop.lines, shop.status = [], "COMPLETED"
    feeds.clear()
    with feeding(tmp_path / "empty", FaultServer(shop), BULK, SIGNED, "graphql") as feed:
        feeds.append(feed)
        assert (feed.pull().pulled, feed.pull().error) == (0, None)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"bulk": True, "items": "a"},
        {"items": "a", "bulk_child": "B"},
        {"bulk": True, "explode": "x"},
        {"items": "a", "link_header": True},
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Pull(query="{ a }", **settings)


@pytest.mark.parametrize("key", ["next", "more"])
def test_a_key_that_the_query_does_not_ask_for_stops_the_stream_however_short_its_page(
    tmp_path: Path, key: str
) -> None:
    """Fault 7: an answer has all that was asked for, so that a key which is not there tells nothing of what follows."""
    misspelt = BY_CURSOR | {key: "stores.pageinfo.x", "size": 50}
    with feeding(
        tmp_path, FaultServer(Shop([store(number) for number in range(1, 4)])), misspelt, SIGNED, "graphql"
    ) as feed:
        stopped = feed.pull()
        assert "no 'stores.pageinfo.x'" in (stopped.error or "")
        assert "stores.pageInfo" in (stopped.error or "")
        assert feed.ids == []


def test_items_that_are_not_there_are_told_beside_those_that_are(tmp_path: Path) -> None:
    shop = FaultServer(Shop([store(1)]))
    with feeding(tmp_path, shop, BY_CURSOR | {"items": "stores.node"}, SIGNED, "graphql") as feed:
        assert "no list of records under 'stores.node' in the answer's data; did you mean 'stores.nodes'?" in (
            feed.pull().error or ""
        )
