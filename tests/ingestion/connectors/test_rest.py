from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ingestion.connectors.page import LINE, Page
from ingestion.connectors.rest import Connection, Pull, pages
from tests.ingestion.connectors.fixtures import make_workspace, write_secret
from tests.ingestion.connectors.servers import serving, web_server
from tillmill.errors import RefusedError, SettingsError, SourceError
from tillmill.workspace import Workspace

SECRET = "t0p-s3cret-token"
NUMBERED = Pull(path="rows", items="data", page_param="page", size_param="per_page", size=2)


@dataclass
class Shop:
    """A shop's server: rows with an id and a time, and the faults it is told to commit, one per request."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Response] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    token: str = SECRET
    tokens_given: int = 0

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/rows", self.numbered),
                Route("/feed", self.feed),
                Route("/loop", self.loop),
                Route("/drip", self.drip),
                Route("/token", self.give_token, methods=["POST"]),
            ]
        )

    def refuse(self, request: Request) -> Response | None:
        self.asked.append(str(request.url.query))
        if self.faults:
            return self.faults.pop(0)
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return JSONResponse({"error": "who are you?"}, 401)
        return None

    def found(self, request: Request) -> list[dict[str, Any]]:
        since = request.query_params.get("since", "")
        return [row for row in self.rows if row.get("at") is None or row["at"] >= since]

    async def numbered(self, request: Request) -> Response:
        page, size = int(request.query_params.get("page", 1)), int(request.query_params.get("per_page", 2))
        return self.refuse(request) or JSONResponse({"data": self.found(request)[(page - 1) * size : page * size]})

    async def feed(self, request: Request) -> Response:
        start = int(request.query_params.get("after", 0))
        following = start + 2 if start + 2 < len(self.rows) else None
        link = f"/feed?after={following}" if following else None
        body = {"data": self.found(request)[start : start + 2], "after": following, "links": {"next": link}}
        return self.refuse(request) or JSONResponse(body)

    async def loop(self, request: Request) -> Response:
        return self.refuse(request) or JSONResponse(
            {"data": self.rows[:1], "after": 7, "links": {"next": "http://127.0.0.2:1/x"}}
        )

    async def drip(self, request: Request) -> Response:
        async def drops() -> AsyncIterator[bytes]:
            while True:
                yield b" "
                await asyncio.sleep(0.02)

        return StreamingResponse(drops(), media_type="application/json")

    async def give_token(self, request: Request) -> Response:
        form = (await request.body()).decode()
        self.tokens_given += 1
        if "grant_type=client_credentials" not in form or f"client_secret={SECRET}" not in form:
            return JSONResponse({"error": "invalid_client"}, 400)
        return JSONResponse({"access_token": self.token})


@dataclass
class Bench:
    """A shop on loopback and how the workspace reaches it."""

    shop: Shop
    workspace: Workspace
    connection: Connection

    def pull(self, pull: Pull = NUMBERED, cursor: dict[str, Any] | None = None, **settings: Any) -> list[Page]:
        connection = self.connection.model_copy(update=settings)
        found = list(pages(self.workspace, connection, pull, cursor))
        for page in found:
            assert json.loads(json.dumps(page.cursor)) == page.cursor
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    shop = Shop([{"id": number, "at": f"2017-06-0{number}T12:00:00Z"} for number in range(1, 6)])
    workspace = make_workspace(tmp_path)
    token = write_secret(tmp_path / "token", SECRET)
    with serving(web_server(shop.app())) as port:
        connection = Connection(
            base_url=f"http://127.0.0.1:{port}", token=token, first_wait_seconds=0, timeout_seconds=5
        )
        yield Bench(shop, workspace, connection)


def ids(found: list[Page]) -> list[str]:
    return [value for page in found if page.records.height for value in page.records["id"].to_list()]


@pytest.mark.parametrize(
    "pull",
    [
        NUMBERED,
        Pull(path="/feed", items="data", cursor_param="after", next="after"),
        Pull(path="feed", items="data", next="links.next"),
    ],
    ids=["page number", "cursor", "next link"],
)
def test_every_kind_of_paging_brings_every_row(bench: Bench, pull: Pull) -> None:
    assert ids(bench.pull(pull)) == ["1", "2", "3", "4", "5"]


def test_the_last_page_with_records_carries_the_cursor_at_the_end(bench: Bench) -> None:
    found = bench.pull()
    assert [page.records.height for page in found] == [2, 2, 1]
    assert [len(page.cursor.get("seen", ())) for page in found] == [0, 0, 5]


def test_a_short_page_is_not_taken_for_the_last(bench: Bench) -> None:
    bench.shop.faults = [JSONResponse({"data": [{"id": 1}, {"id": 2}]}), JSONResponse({"data": [{"id": 3}]})]
    assert ids(bench.pull()) == ["1", "2", "3", "5"]


def test_only_what_changed_is_asked_for_and_each_change_comes_once(bench: Bench) -> None:
    changed = NUMBERED.model_copy(update={"since_param": "since", "since_field": "at", "overlap_seconds": 60})
    first = bench.pull(changed)
    cursor = first[-1].cursor
    assert cursor["since"] == "2017-06-05T12:00:00+00:00"
    bench.shop.asked.clear()
    assert bench.pull(changed, cursor) == []
    assert "since=2017-06-05T11%3A59%3A00Z" in bench.shop.asked[0]
    # The same second as the last one seen, a correction of it, and a row that never had a time.
    bench.shop.rows[4]["note"] = "corrected"
    bench.shop.rows += [{"id": 6, "at": "2017-06-05T12:00:00Z"}, {"id": 7, "at": None}]
    second = bench.pull(changed, cursor)
    assert ids(second) == ["5", "6", "7"]
    assert bench.pull(changed, second[-1].cursor) == []


def test_a_pull_cut_short_starts_again_from_where_it_was(bench: Bench) -> None:
    changed = NUMBERED.model_copy(update={"since_param": "since", "since_field": "at"})
    opened = pages(bench.workspace, bench.connection, changed, None)
    assert next(opened).cursor == {}
    opened.close()


def test_a_time_from_the_future_does_not_blind_the_stream(bench: Bench) -> None:
    bench.shop.rows.append({"id": 6, "at": "2999-01-01T00:00:00Z"})
    changed = NUMBERED.model_copy(update={"since_param": "since", "since_field": "at"})
    assert bench.pull(changed)[-1].cursor["since"] == "2017-06-05T12:00:00+00:00"


def test_nested_lines_become_records_with_the_parents_fields_named_and_no_others(bench: Bench) -> None:
    bench.shop.rows = [
        {"id": 1, "buyer": {"phone": "1"}, "lines": [{"sku": "a", "n": 1.50}, {"sku": "b", "tags": ["x", 2]}]},
        {"id": 2, "lines": []},
    ]
    [page] = bench.pull(Pull(path="rows", items="data", explode="lines", parents=["id"]))
    assert page.records.select("id", "sku", "n", "tags", LINE).rows() == [
        ("1", "a", "1.5", None, 1),
        ("1", "b", None, '["x", "2"]', 2),
    ]
    assert "buyer.phone" not in page.records.columns


def test_values_keep_their_digits_and_objects_are_flattened(bench: Bench) -> None:
    record = (
        '{"id": "007", "total": 12345678901234567890.10, "ok": true, "none": null, "ship": {"to": {"city": "北京"}}}'
    )
    body = f'{{"data": [{record}]}}'
    bench.shop.faults = [Response(body, media_type="application/json")]
    [page] = bench.pull(Pull(path="rows", items="data"))
    assert page.records.select("id", "total", "ok", "none", "ship.to.city").rows() == [
        ("007", "12345678901234567890.10", "true", None, "北京")
    ]


def later(seconds: str) -> Response:
    return Response("", 429, {"Retry-After": seconds})


@pytest.mark.parametrize(
    "fault",
    [
        Response("", 500),
        Response("", 503),
        later("0"),
        later("Thu, 01 Jan 1970 00:00:00 GMT"),
        later("3600"),
        Response('{"data": [{"id": 1', media_type="application/json"),
        Response('{"data": [{"id": NaN}]}', media_type="application/json"),
        Response(b'{"data": "\xff"}', media_type="application/json"),
        Response(b"no gzip", headers={"Content-Encoding": "gzip"}),
        Response("{}", headers={"Content-Length": "500"}),
    ],
    ids=["500", "503", "429", "429 date", "429 too long", "cut off", "NaN", "no UTF-8", "no gzip", "short body"],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_passing_trouble_is_retried_and_then_stops_without_a_secret(
    bench: Bench, fault: Response, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bench.shop.faults = [fault, fault]
    assert len(ids(bench.pull(most_wait_seconds=0.05))) == 5
    bench.shop.faults = [fault] * 3
    with pytest.raises(SourceError, match=r"127\.0\.0\.1/rows: .*after 3 attempts") as caught:
        bench.pull(attempts=3, most_wait_seconds=0.05)
    assert SECRET not in str(caught.value) + repr(caught.value.__cause__) + caplog.text


def test_retry_after_is_obeyed(bench: Bench) -> None:
    bench.shop.faults = [later("1")]
    started = time.monotonic()
    bench.pull(most_wait_seconds=5)
    assert time.monotonic() - started >= 1


def test_what_will_not_pass_stops_at_once(bench: Bench) -> None:
    bench.shop.faults = [Response("", 404)]
    with pytest.raises(SourceError, match="answered 404"):
        bench.pull()
    assert len(bench.shop.asked) == 1


def test_nobody_there_and_silence_stop_within_the_deadline(bench: Bench) -> None:
    with pytest.raises(SourceError, match="ConnectError"):
        bench.pull(base_url="http://127.0.0.1:1", attempts=2)
    started = time.monotonic()
    with pytest.raises(SourceError, match="not done within"):
        bench.pull(Pull(path="drip"), deadline_seconds=0.3)
    assert time.monotonic() - started < 5


def test_a_refused_token_stops_and_is_not_told(bench: Bench) -> None:
    bench.shop.token = "another"
    with pytest.raises(SourceError, match="401") as caught:
        bench.pull()
    assert SECRET not in str(caught.value)


def test_an_expired_token_is_refreshed_once(bench: Bench) -> None:
    ways = {"token": "", "client_id": "mill", "client_secret": bench.connection.token}
    ways["token_url"] = f"{bench.connection.base_url}/token"
    assert len(ids(bench.pull(**ways))) == 5
    assert bench.shop.tokens_given == 1
    bench.shop.faults = [Response("", 401)] * 9
    with pytest.raises(SourceError, match="refused us"):
        bench.pull(**ways)
    # One to start with, one after the first refusal, and no more.
    assert bench.shop.tokens_given == 3


def test_paging_that_goes_in_a_circle_stops(bench: Bench) -> None:
    with pytest.raises(SourceError, match="goes in a circle"):
        bench.pull(Pull(path="loop", items="data", cursor_param="after", next="after"))
    same = JSONResponse({"data": [{"id": 1}, {"id": 2}]})
    bench.shop.faults = [same, same]
    with pytest.raises(SourceError, match="page 2 is page 1 again"):
        bench.pull()


def test_a_link_to_another_server_is_refused(bench: Bench) -> None:
    with pytest.raises(RefusedError, match="the token stays here"):
        bench.pull(Pull(path="loop", items="data", next="links.next"))


def test_an_error_inside_a_200_and_an_answer_of_another_shape_stop(bench: Bench) -> None:
    bench.shop.faults = [JSONResponse({"error": {"code": 7}}), JSONResponse({"data": {"id": 1}})]
    with pytest.raises(SourceError, match="reports an error"):
        bench.pull()
    with pytest.raises(SourceError, match="no list of records under 'data'"):
        bench.pull()


def test_a_token_is_given_by_reference_alone(bench: Bench) -> None:
    with pytest.raises(SettingsError, match="by reference"):
        bench.pull(token=SECRET)


@pytest.mark.parametrize(
    "settings",
    [
        {"page_param": "page", "next": "links.next"},
        {"cursor_param": "after"},
        {"since_param": "since"},
        {"parents": ["id"]},
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Pull(path="rows", **settings)
