"""`kill -9` at random moments of a pull over HTTP, in each way of paging: every row once, none asked for anew."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.faults.http_feed import Feed, feeding
from tests.faults.http_server import FaultServer, Reply, Request, told
from tests.ingestion.connectors import test_graphql as graphql
from tests.ingestion.connectors import test_jsonrpc as jsonrpc
from tests.kill.moments import Moments
from tests.kill.process import kill, undisturbed_seconds, waiting
from tests.kill.shares import share

FEW = 2
ROWS = [
    {"id": f"s{number:03d}", "at": f"2026-01-{1 + number // 8:02d}T{number % 8:02d}:00:00Z"} for number in range(160)
]
HOUSES = [jsonrpc.warehouse(number, day=1 + number // 8) for number in range(1, 161)]
WINDOWS = {"path": "stores", "since_param": "since", "until_param": "until", "since_field": "at", "window_hours": 24}
WINDOWS |= {"start": "2026-01-01T00:00:00Z", "overlap_seconds": 60, "page_param": "page"}
KEYSET = {"path": "stores", "keyset_param": "after", "keyset_field": "id"}


def stores(request: Request) -> Reply:
    query = request.query
    found = [row for row in ROWS if query.get("since", "") <= row["at"] < query.get("until", "9")]
    found = [row for row in found if row["id"] > query.get("after", "")]
    start = (int(query.get("page", 1)) - 1) * 4
    return told(found[start : start + 4])


@dataclass(frozen=True)
class Way:
    """One way in: what is asked of which server, and in loads of how many rows (small where a pull goes on within)."""

    pull: dict[str, Any]
    answer: Callable[[Request], Reply] = stores
    connection: dict[str, Any] | None = None
    connector: str = "rest"
    fields: dict[str, Any] | None = None
    load_rows: int = 8
    ids: list[str] = field(default_factory=lambda: [row["id"] for row in ROWS])


WAYS = {
    "http windows": Way(WINDOWS),
    "http keyset": Way(KEYSET),
    # A cursor that is good for one pull alone: what a kill cuts short begins again, so it lands whole or not at all.
    "graphql": Way(
        graphql.BY_CURSOR | {"size": 4},
        graphql.Shop([row | {"name": row["id"]} for row in ROWS]),
        graphql.SIGNED,
        "graphql",
        load_rows=100_000,
    ),
    "jsonrpc": Way(
        jsonrpc.READ | {"paging": "keyset", "size": 4},
        jsonrpc.Odoo(HOUSES),
        jsonrpc.ODOO,
        "jsonrpc",
        jsonrpc.FIELDS,
        ids=[row["code"] for row in HOUSES],
    ),
}


def killed_and_repaired(root: Path, way: Way, kills: int) -> None:
    def slowly(request: Request) -> Reply:
        time.sleep(0.002)
        return way.answer(request)

    def source(name: str) -> AbstractContextManager[Feed]:
        return feeding(root / name, FaultServer(slowly), way.pull, way.connection, way.connector, way.fields)

    with source("undisturbed") as feed:
        seconds = undisturbed_seconds("ingest_once", feed.workspace.root, way.load_rows)
    moments = Moments(seconds, kills)
    for number in moments.numbers():
        with source(str(number)) as feed:
            with waiting("ingest_once", feed.workspace.root, way.load_rows) as process:
                moments.was(kill(process, moments.next()))
            before = feed.cursor.value or {}
            feed.server.asked.clear()
            assert feed.pull().error is None
            assert feed.ids == sorted(way.ids)
            assert feed.rows.height == len(way.ids)
            if "after" in before and way.connector == "rest":
                assert feed.asked()[0].query["after"] == before["after"]
            assert feed.pull().loads == ()
    assert moments.prove_something()


@pytest.mark.parametrize("name", WAYS)
def test_a_pull_over_http_killed_at_random_moments_loses_nothing_and_doubles_nothing(tmp_path: Path, name: str) -> None:
    killed_and_repaired(tmp_path, WAYS[name], min(share(name), FEW))


def killed_while_read_afresh(root: Path, way: Way, kills: int) -> None:
    """A feed that passed over rows once is read from its start, killed, and read from its start again."""
    hidden = {row["id"] for row in ROWS[1::3]}

    def partly(request: Request) -> Reply:
        time.sleep(0.002)
        found = json.loads(way.answer(request).body)
        return told([row for row in found if row["id"] not in hidden] if feed_is_short else found)

    def short(name: str) -> AbstractContextManager[Feed]:
        return feeding(root / name, FaultServer(partly), way.pull)

    arguments = (way.load_rows, "afresh")
    feed_is_short = True
    with short("undisturbed") as feed:
        assert feed.pull().error is None
        feed_is_short = False
        seconds = undisturbed_seconds("ingest_once", feed.workspace.root, *arguments)
    moments = Moments(seconds, kills)
    for number in moments.numbers():
        feed_is_short = True
        with short(str(number)) as feed:
            assert feed.pull().error is None
            passed_over, cursor = feed.rows.height, feed.cursor
            feed_is_short = False
            assert feed.pull().landed == 0, "what was passed over comes by itself: this test protects nothing"
            with waiting("ingest_once", feed.workspace.root, *arguments) as process:
                moments.was(kill(process, moments.next()))
            if feed.rows.height == passed_over:
                assert feed.cursor == cursor, "the cursor was set back, and nothing landed with it"
            else:
                # What was begun goes on by itself: the cursor stands behind what has landed of it.
                assert feed.pull().error is None
                assert feed.ids == sorted(way.ids)
            assert feed.pull(way.load_rows, afresh=True).error is None
            assert feed.ids == sorted(way.ids) == sorted(feed.current)
            assert feed.pull().loads == ()
    assert moments.prove_something()


@pytest.mark.parametrize("name", ["http windows", "http keyset"])
def test_a_reading_from_the_start_killed_at_random_moments_loses_nothing(tmp_path: Path, name: str) -> None:
    killed_while_read_afresh(tmp_path, WAYS[name], FEW)


@pytest.mark.slow
@pytest.mark.timeout(600 + 20 * share("http windows"))
@pytest.mark.parametrize("name", ["http windows", "http keyset"])
def test_many_kills_of_a_reading_from_the_start_lose_nothing(tmp_path: Path, name: str) -> None:
    killed_while_read_afresh(tmp_path, WAYS[name], share(name))


@pytest.mark.slow
@pytest.mark.timeout(600 + 20 * share("http windows"))
@pytest.mark.parametrize("name", WAYS)
def test_many_kills_over_http_lose_nothing_and_double_nothing(tmp_path: Path, name: str) -> None:
    killed_and_repaired(tmp_path, WAYS[name], share(name))
