"""Shopify's bulk operations: a query run by the server, its result file fetched whole and read line by line."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any, Protocol

from ingestion.connectors.answers import Unreadable, strict_json
from ingestion.connectors.paging import Turn
from ingestion.connectors.records import dig, flatten, text_of, unreadable
from ingestion.connectors.signing import Value
from ingestion.connectors.web import Web, stopped

# groupObjects: children stand below their parent, so that one parent at a time is remembered (API 2025-07 or later).
RUN = """mutation ($query: String!) {
  bulkOperationRunQuery(query: $query, groupObjects: true) { bulkOperation { id status } userErrors { message } }
}"""
LOOK = """query ($id: ID!) { node(id: $id) { ... on BulkOperation { status errorCode objectCount url } } }"""
UNDER_WAY = frozenset({"CREATED", "RUNNING", "CANCELING"})
PAGE_LINES = 10_000
MOST_FILE_BYTES = 16 << 30

Ask = Callable[[str, Mapping[str, Any]], dict[str, Any]]


class BulkPull(Protocol):
    """The settings a bulk operation needs."""

    @property
    def query(self) -> str: ...
    @property
    def since_param(self) -> str: ...
    @property
    def bulk_child(self) -> str: ...
    @property
    def bulk_hosts(self) -> list[str]: ...
    @property
    def bulk_wait_seconds(self) -> float: ...
    @property
    def bulk_poll_seconds(self) -> float: ...
    @property
    def parents(self) -> list[str]: ...


def bulk_turns(ask: Ask, web: Web, pull: BulkPull, asked: Mapping[str, Value]) -> Iterator[Turn]:
    """The result file's records, PAGE_LINES lines a page; the file is on disk, without a name, while it is read.

    Raises SourceError where the operation fails or is not done in time, RefusedError for a file on a host not named.
    """
    address = _result(ask, pull, asked)
    if not address:
        return
    with tempfile.TemporaryFile() as file:
        web.download(address, pull.bulk_hosts, file, MOST_FILE_BYTES)
        items: list[Any] = []
        for number, item in enumerate(_records(file, pull), start=1):
            items.append(item)
            if number % PAGE_LINES == 0:
                yield Turn(0, items)
                items = []
        if items:
            yield Turn(0, items)


def with_params(query: str, params: Mapping[str, Value]) -> str:
    """The query with each parameter in the place of its `{name}`."""
    for name, value in params.items():
        query = query.replace(f"{{{name}}}", str(value)) if name else query
    return query


def _result(ask: Ask, pull: BulkPull, asked: Mapping[str, Value]) -> str:
    """The result file's address, '' where the result has no record."""
    # The first pull asks for everything: its placeholder becomes an empty filter.
    query = with_params(pull.query, {pull.since_param: "", **asked})
    begun = dig(ask(RUN, {"query": query}), "bulkOperationRunQuery") or {}
    name = dig(begun, "bulkOperation.id")
    if begun.get("userErrors") or not name:
        words = "; ".join(str(dig(error, "message")) for error in begun.get("userErrors") or [])
        raise stopped(f"the bulk operation was refused: {words or 'no reason given'}")
    ends_at = time.monotonic() + pull.bulk_wait_seconds
    while True:
        told = dig(ask(LOOK, {"id": name}), "node") or {}
        if told.get("status") == "COMPLETED":
            return str(told.get("url") or "")
        if told.get("status") not in UNDER_WAY:
            # A failed operation may have a part of its result; a part taken for the whole would be rows lost.
            raise stopped(f"the bulk operation ended as {told.get('status')} ({told.get('errorCode') or 'no code'})")
        if time.monotonic() >= ends_at:
            raise stopped(f"the bulk operation was not done within {pull.bulk_wait_seconds:,.0f} seconds")
        time.sleep(pull.bulk_poll_seconds)


def _records(file: IO[bytes], pull: BulkPull) -> Iterator[Any]:
    """The lines that are records of this stream."""
    above: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            item = strict_json(line)
        except ValueError as error:
            yield Unreadable(line.decode("utf-8", "backslashreplace"), f"line {number:,} is no JSON: {error}")
            continue
        if not isinstance(item, dict):
            yield unreadable(item, f"line {number:,} is no record")
            continue
        parent = item.pop("__parentId", None)
        if parent is None:
            above = {}
            if not pull.bulk_child:
                yield item
        elif pull.bulk_child and _is_kind(item, pull.bulk_child):
            if parent in above:
                told = flatten(above[parent])
                yield {name: told.get(name, text_of(dig(above[parent], name))) for name in pull.parents} | item
            else:
                yield unreadable(item, f"line {number:,}: its parent {parent} does not stand above it")
        above[str(item.get("id"))] = item


def _is_kind(item: dict[str, Any], kind: str) -> bool:
    return item.get("__typename") == kind or f"/{kind}/" in str(item.get("id", ""))
