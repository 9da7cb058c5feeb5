"""A list of stores behind HTTP, filtered by time and cut into pages, and how a stream that stopped recovers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.faults.http_feed import SECRET, Feed
from tests.faults.http_server import Reply, Request, told

PAGED = {"path": "stores", "items": "data", "page_param": "page", "size_param": "size", "size": 3}
CHANGED = PAGED | {"since_param": "since", "since_field": "at", "overlap_seconds": 60}
WINDOWS = CHANGED | {"until_param": "until", "start": "2026-01-01T00:00:00Z", "window_hours": 24, "lag_seconds": 60}
TELLS = {"status_field": "code", "ok_values": ["0"], "busy_values": ["7"], "message_field": "msg"}


def store(number: int, at: str | None = None, **more: Any) -> dict[str, Any]:
    moment = at if at is not None else f"2026-01-{1 + number // 24:02d}T{number % 24:02d}:30:00Z"
    return {"id": f"s{number:02d}", "name": f"Store {number}", "at": moment, **more}


class Stores:
    """A well-behaved list of stores, filtered by time and cut into pages."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        self.before: Callable[[Request], Reply | None] = lambda request: None

    def __call__(self, request: Request) -> Reply:
        if (instead := self.before(request)) is not None:
            return instead
        query = request.query
        since, until = query.get("since", ""), query.get("until", "9999")
        found = [row for row in self.rows if row["at"] is None or since <= row["at"] < until]
        page, size = int(query.get("page", 1)), int(query.get("size", 3))
        pages = -(-len(found) // size)
        return told({"data": found[(page - 1) * size : page * size], "pages": pages, "total": len(found)})


def ids(numbers: range) -> list[str]:
    return [f"s{number:02d}" for number in numbers]


def stops_and_recovers(feed: Feed, stores: Stores, faults: list[Reply], message: str) -> None:
    """The faults stop the stream with nothing moved; once they are over, the next run brings what is missing."""
    assert feed.pull().error is None
    before, cursor = feed.ids, feed.cursor
    stores.rows.append(store(40))
    feed.server.faults = list(faults)
    stopped = feed.pull()
    assert stopped.error is not None
    assert message in stopped.error
    assert SECRET not in stopped.error
    assert (stopped.pulled, feed.ids, feed.cursor) == (0, before, cursor)
    feed.server.faults = []
    assert feed.pull().error is None
    assert feed.ids == sorted({*before, "s40"})


def request(query: str) -> Request:
    pairs = dict(pair.split("=") for pair in query.split("&"))
    return Request("GET", "/stores", {"size": "3", **pairs}, {}, b"", 0.0)
