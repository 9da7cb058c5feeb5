"""From one page to the next: every kind of paging of REST, where what is asked goes, and how time is written."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from pydantic import ValidationError

from ingestion.connectors.changes import Changes, Span, asked_for, changed_pages, read_time
from ingestion.connectors.paging import next_link
from ingestion.connectors.rest import Pull, filled
from tests.faults.http_feed import SECRET, feeding
from tests.faults.http_server import FaultServer, Reply, Request, told
from tests.faults.shop import tillmill

ROWS = [{"id": f"s{number}", "at": f"2026-01-0{number}T00:00:00Z"} for number in range(1, 8)]
SINCE = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def part(start: int, size: int, **more: Any) -> dict[str, Any]:
    return {"data": ROWS[start : start + size], "total": len(ROWS), **more}


def by_offset(request: Request) -> Reply:
    # Asked for five, it never gives more than three.
    return told(part(int(request.query.get("skip", 0)), min(int(request.query.get("take", 3)), 3)))


def by_link(request: Request) -> Reply:
    start = int(request.query.get("start", 0))
    more = f', </stores?start={start + 3}&z=1>; title="a, b"; rel="last next"' if start + 3 < len(ROWS) else ""
    return told(ROWS[start : start + 3], Link=f'</stores>; rel="first"{more}')


def by_body(request: Request) -> Reply:
    body = request.json
    assert request.method == "POST"
    assert body["query"]["kind"] == "shop"
    return told(part(body["query"]["from"], 3))


def by_form(request: Request) -> Reply:
    form = dict(parse_qsl(request.body.decode()))
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    page = int(form["page"])
    return told(part((page - 1) * 3, 3, more=page < 3))


@pytest.mark.parametrize(
    ("answer", "pull", "requests"),
    [
        (by_offset, {"items": "data", "offset_param": "skip", "size_param": "take", "size": 5}, 4),
        (by_offset, {"items": "data", "offset_param": "skip", "total_rows": "total"}, 3),
        (by_link, {"link_header": True}, 3),
        (
            by_body,
            {
                "items": "data",
                "method": "POST",
                "body": {"query": {"kind": "shop"}},
                "offset_param": "query.from",
                "total_rows": "total",
            },
            3,
        ),
        (by_form, {"items": "data", "method": "POST", "params_in": "form", "page_param": "page", "more": "more"}, 3),
    ],
    ids=["offset", "offset with a total", "link header", "search by POST", "form"],
)
def test_every_row_comes_once(tmp_path: Path, answer: Any, pull: dict[str, Any], requests: int) -> None:
    with feeding(tmp_path, FaultServer(answer), {"path": "stores", **pull}) as feed:
        assert feed.pull().landed == 7
        assert len(feed.asked()) == requests


def test_rows_that_are_bare_lists_get_the_names_told_and_a_short_one_is_quarantined(tmp_path: Path) -> None:
    rows = [["s1", "One", "2026-01-01T00:00:00Z"], ["s2", "Two"], ["s3", "Three", "2026-01-03T00:00:00Z"]]
    pull = {"path": "stores", "columns": ["id", "name", "at"]}
    with feeding(tmp_path, FaultServer(lambda request: told(rows)), pull) as feed:
        result = feed.pull()
        assert (result.landed, result.quarantined) == (2, 1)
        assert feed.bad["reason"].to_list() == ["2 values where 3 columns are named"]


def test_something_that_is_no_record_among_records_is_quarantined(tmp_path: Path) -> None:
    server = FaultServer(lambda request: told([ROWS[0], "gone", None, ROWS[1]]))
    with feeding(tmp_path, server, {"path": "stores"}) as feed:
        result = feed.pull()
        assert (result.pulled, result.landed, result.quarantined) == (4, 2, 2)
        assert feed.bad["raw"].to_list() == ['"gone"', "null"]


def test_a_record_without_its_nested_list_is_quarantined_unless_it_is_said_to_be_empty(tmp_path: Path) -> None:
    """A misspelt `explode` must not pass for orders without lines; an empty list and null are what they say."""
    orders = [{"lines": [ROWS[0]]}, {"lines": []}, {"lines": None}, {"Lines": [ROWS[1]]}, {"lines": "none"}]
    server = FaultServer(lambda request: told(orders))
    with feeding(tmp_path, server, {"path": "stores", "explode": "lines"}) as feed:
        result = feed.pull()
        assert (result.pulled, result.landed, result.quarantined) == (3, 1, 2)
        assert sorted(feed.bad["reason"]) == ["has no lines; did you mean 'Lines'?", "lines is no list"]
    server_without = FaultServer(lambda request: told([{"id": "o1", "tags": []}]))
    with feeding(tmp_path / "without", server_without, {"path": "stores", "explode": "lines"}) as feed:
        feed.pull()
        assert "explode_may_be_missing = true" in feed.bad["reason"][0]
    may = {"path": "stores", "explode": "lines", "explode_may_be_missing": True}
    with feeding(tmp_path / "may", server, may) as feed:
        assert (feed.pull().quarantined, feed.ids) == (1, ["s1"])


def test_a_misspelt_parent_is_named_with_the_nearest_there_is(tmp_path: Path) -> None:
    """A parent that some record has, or that a later pull's few records lack, stops nothing."""
    orders = [{"number": "o1", "note": "x", "lines": [ROWS[0]]}, {"number": "o2", "lines": [ROWS[1]]}]
    server = FaultServer(lambda request: told(orders))
    pull = {"path": "stores", "explode": "lines", "parents": ["numbr", "note"]}
    with feeding(tmp_path, server, pull, fields={"store_id": "number", "updated_at": "at"}) as feed:
        check = tillmill(feed.workspace, "sources", "check", "shop")
        assert "no record has 'numbr', which pull.parents names; did you mean 'number'?" in check.said
        stopped = feed.pull()
        assert (stopped.pulled, stopped.landed) == (0, 0)
        assert "no record has 'numbr', which pull.parents names; did you mean 'number'?" in (stopped.error or "")
        assert "parents_may_be_missing = true; then: tillmill ingest --source shop --stream pos.stores" in (
            stopped.error or ""
        )
    said = pull | {"parents_may_be_missing": True}
    with feeding(tmp_path / "said", server, said, fields={"store_id": "id", "updated_at": "at"}) as feed:
        assert feed.pull().landed == 2
    spelt = pull | {"parents": ["number", "note"]}
    with feeding(tmp_path / "spelt", server, spelt, fields={"store_id": "number", "updated_at": "at"}) as feed:
        assert feed.pull().landed == 2
        orders.append({"number": "o3", "lines": [ROWS[2]]})
        assert feed.pull().landed == 1


def test_an_answer_that_leaves_its_list_out_is_empty_only_where_it_is_said_to(tmp_path: Path) -> None:
    server = FaultServer(lambda request: told({"total": 0}))
    with feeding(tmp_path, server, {"path": "stores", "items": "trades"}) as feed:
        assert "no list of records" in (feed.pull().error or "")
    with feeding(tmp_path / "may", server, {"path": "stores", "items": "trades", "items_may_be_missing": True}) as feed:
        assert (feed.pull().error, feed.pull().pulled) == (None, 0)


@pytest.mark.parametrize(
    ("header", "following"),
    [
        ('<https://api.example/x?page=2>; rel="next"', "https://api.example/x?page=2"),
        ("<x?a=1,2>; rel=next, <y>; rel=last", "x?a=1,2"),
        ('<y>; rel="prev", <x;v=1>; title="next; or, not"; REL="start NEXT"', "x;v=1"),
        ('<y>; rel="prev"; title="rel=next"', None),
        ("<y>", None),
        ("", None),
    ],
)
def test_link_headers_are_read_as_rfc_8288_has_them(header: str, following: str | None) -> None:
    assert next_link(header) == following


@pytest.mark.parametrize(
    ("how", "asked"),
    [
        ({"since_param": "since"}, {"since": "2026-03-01T11:55:00Z"}),
        ({"since_param": "since", "time_format": "epoch_s"}, {"since": 1772366100}),
        ({"since_param": "since", "until_param": "until", "time_format": "epoch_ms"}, None),
        (
            {
                "since_param": "start",
                "until_param": "end",
                "time_format": "%Y-%m-%d %H:%M:%S",
                "timezone": "Asia/Shanghai",
            },
            {"start": "2026-03-01 19:55:00", "end": "2026-03-01 21:00:00"},
        ),
        (
            {"since_param": "filter", "since_value": "changed ge {since} and changed lt {until}"},
            {"filter": "changed ge 2026-03-01T11:55:00Z and changed lt 2026-03-01T13:00:00Z"},
        ),
    ],
)
def test_a_span_is_asked_for_as_the_source_writes_time(how: dict[str, Any], asked: dict[str, Any] | None) -> None:
    changes = Changes(since_field="at", **how)
    found = asked_for(changes, Span(SINCE, SINCE.replace(hour=13)))
    assert found == (asked or {"since": 1772366100_000, "until": 1772370000_000})
    assert asked_for(changes, Span(None)) == {}


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("2026-03-01T12:00:00Z", {}),
        ("2026-03-01T13:00:00+01:00", {}),
        ("2026-03-01 20:00:00", {"timezone": "Asia/Shanghai"}),
        ("2026/03/01 20:00", {"timezone": "Asia/Shanghai", "time_format": "%Y/%m/%d %H:%M"}),
        ("1772366400", {"time_format": "epoch_s"}),
        (1772366400000, {"time_format": "epoch_ms"}),
    ],
)
def test_a_time_is_read_as_the_source_writes_it(text: Any, how: dict[str, Any]) -> None:
    assert read_time(text, Changes(**how)) == SINCE
    assert read_time("soon", Changes(**how)) is None


def test_a_keyset_that_was_cut_short_behind_its_last_record_is_closed_all_the_same() -> None:
    """Were its id kept, changes of records with lower ids would never be asked for again."""
    cursor = {"since": "2026-01-01T00:00:00+00:00", "seen": [], "after": "s9"}
    cursor |= {"highest": "2026-01-05T00:00:00+00:00", "started": "2026-01-06T00:00:00+00:00"}
    changes = Changes(since_param="since", since_field="at")
    [page] = changed_pages(changes, cursor, lambda span, after: iter(()), "records")
    assert page.cursor == {"seen": [], "since": "2026-01-05T00:00:00+00:00"}
    assert list(changed_pages(changes, page.cursor, lambda span, after: iter(()), "records")) == []


def test_a_body_is_filled_at_dotted_names_and_stays_a_template() -> None:
    template = {"data": {"FormId": "SAL_Order"}}
    assert filled(template, {"data.StartRow": 20, "page": 1}) == {
        "data": {"FormId": "SAL_Order", "StartRow": 20},
        "page": 1,
    }
    assert template == {"data": {"FormId": "SAL_Order"}}


@pytest.mark.parametrize(
    ("connection", "name", "value"),
    [
        ({"api_key": "file:token", "api_key_header": "X-Key"}, "x-key", SECRET),
        ({"username": "mill", "password": "file:token"}, "authorization", "Basic bWlsbDp0MHAtczNjcmV0LXRva2Vu"),
        ({"headers": {"X-Version": "3"}}, "x-version", "3"),
    ],
    ids=["api key", "basic", "plain header"],
)
def test_credentials_are_shown_where_the_source_wants_them(
    tmp_path: Path, connection: dict[str, Any], name: str, value: str
) -> None:
    with feeding(tmp_path, FaultServer(lambda request: told(ROWS)), {"path": "stores"}, connection) as feed:
        assert feed.pull().landed == 7
        assert feed.asked()[0].headers[name] == value


def test_a_session_is_opened_by_a_log_in_and_kept_by_its_cookie(tmp_path: Path) -> None:
    """Fault 4: an ended session is opened anew once."""
    sessions = 0

    def answer(request: Request) -> Reply:
        nonlocal sessions
        if request.path == "/login":
            sessions += 1
            good = request.json == {"user": "mill", "secret": SECRET, "lcid": 2052}
            return told({"type": 1 if good else 0}, **{"Set-Cookie": f"sid={sessions}"})
        if request.headers.get("cookie") != f"sid={sessions}" or len(feed.asked()) == 1:
            return told({"code": "1", "msg": "the session is lost"})
        return told({"data": ROWS})

    login = {"path": "login", "body": {"user": "mill", "secret": "file:token", "lcid": 2052}}
    login |= {"ok_field": "type", "ok_values": ["1"]}
    connection = {"login": login, "status_field": "code", "expired_values": ["1"], "message_field": "msg"}
    with feeding(tmp_path, FaultServer(answer), {"path": "stores", "items": "data"}, connection) as feed:
        assert feed.pull().landed == 7
        assert sessions == 2
        login["body"]["secret"] = "wrong"
    with feeding(tmp_path / "wrong", FaultServer(answer), {"path": "stores", "items": "data"}, connection) as feed:
        assert "refused the log-in (status 200)" in (feed.pull().error or "")


def test_a_token_may_be_fetched_by_get_and_shown_in_the_query(tmp_path: Path) -> None:
    """As WeCom has it."""

    def answer(request: Request) -> Reply:
        if request.path == "/gettoken":
            assert request.query == {"corpid": "ww1", "corpsecret": SECRET}
            return told({"errcode": 0, "access_token": "abcdef", "expires_in": 7200})
        return told({"data": ROWS}) if request.query.get("access_token") == "abcdef" else told({}, 401)

    connection = {"token_url": "http://127.0.0.1:{port}/gettoken", "token_param": "access_token"}
    connection |= {"token_query": {"corpid": "ww1", "corpsecret": "file:token"}}
    with feeding(tmp_path, FaultServer(answer), {"path": "stores", "items": "data"}, connection) as feed:
        assert feed.pull().landed == 7


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_signed_request_is_signed_anew_each_time(tmp_path: Path, method: str) -> None:
    """The platform's clock is the real one: a pinned clock of the workspace must not reach a signature."""

    def answer(request: Request) -> Reply:
        params = request.query if method == "GET" else dict(parse_qsl(request.body.decode()))
        assert params["session"] == SECRET
        asked = datetime.fromisoformat(f"{params['timestamp']}+08:00")
        assert abs((datetime.now(UTC) - asked).total_seconds()) < 60
        page = int(params["page_no"])
        return told({"data": ROWS[(page - 1) * 3 : page * 3]})

    connection = {"sign": "taobao", "app_key": "1", "app_secret": "file:token", "access_token": "file:token"}
    pull = {"path": "stores", "items": "data", "params": {"method": "m"}, "page_param": "page_no", "method": method}
    with feeding(tmp_path, FaultServer(answer, [told({}, 500)]), pull, connection) as feed:
        (tmp_path / "clock").write_text("2020-01-01T00:00:00+00:00")
        assert feed.pull().landed == 7


@pytest.mark.parametrize(
    "settings",
    [
        {"offset_param": "skip", "page_param": "page"},
        {"link_header": True, "next": "next"},
        {"keyset_param": "after"},
        {"from_last": True, "page_param": "page"},
        {"from_last": True, "page_param": "page", "total_pages": "pages"},
        {"body": {"a": 1}},
        {"params_in": "form"},
        {"window_hours": 24, "since_param": "since", "until_param": "until"},
        {"window_hours": 24, "since_param": "since", "start": "2026-01-01T00:00:00Z"},
        {"until_param": "until"},
        {"timezone": "Mars/Base"},
        {"detail_item": "data"},
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Pull(path="rows", **settings)
