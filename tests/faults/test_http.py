"""HTTP sources against every fault they can meet (docs of the numbers: faults 1 to 8, 13, 34), from pull to ledger."""

from __future__ import annotations

import gzip
import json
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from ingestion.connectors import changes
from tests.faults.http_feed import SECRET, Feed, feeding
from tests.faults.http_server import (
    RESET,
    SILENCE,
    FaultServer,
    Reply,
    Request,
    failing,
    lines,
    packed,
    told,
)

PAGED = {"path": "stores", "items": "data", "page_param": "page", "size_param": "size", "size": 3}
CHANGED = PAGED | {"since_param": "since", "since_field": "at", "overlap_seconds": 60}
WINDOWS = CHANGED | {"until_param": "until", "start": "2026-01-01T00:00:00Z", "window_hours": 24, "lag_seconds": 60}


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


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (failing(500), "answered 500"),
        (failing(502), "answered 502"),
        (failing(503), "answered 503"),
        (RESET, "while reading"),
        (Reply(b'{"data": []}', only=4, resets=True), "while reading"),
        (Reply(b'{"data": []}', only=4), "while reading"),
    ],
    ids=["500", "502", "503", "reset", "reset in the body", "closed in the body"],
)
def test_fault_1_trouble_of_the_moment_is_retried_then_stops_and_the_next_run_repairs(
    tmp_path: Path, fault: Reply, message: str
) -> None:
    """Fault 1."""
    stores = Stores([store(number) for number in range(7)])
    with feeding(tmp_path, FaultServer(stores, [fault, fault]), CHANGED) as feed:
        stops_and_recovers(feed, stores, [fault] * 3, message)


def test_fault_1_a_server_that_is_down_in_the_middle_of_a_pull_loses_no_page(tmp_path: Path) -> None:
    """Fault 1: pages already read do not count as done."""
    stores = Stores([store(number) for number in range(7)])
    with feeding(tmp_path, FaultServer(stores), CHANGED) as feed:
        feed.server.faults = [stores(request("page=1")), *[failing(503)] * 3]
        assert feed.pull().error is not None
        assert (feed.ids, feed.cursor.value) == ([], None)
        assert feed.pull().landed == 7
        assert feed.ids == ids(range(7))


def request(query: str) -> Request:
    pairs = dict(pair.split("=") for pair in query.split("&"))
    return Request("GET", "/stores", {"size": "3", **pairs}, {}, b"", 0.0)


@pytest.mark.parametrize("fault", [SILENCE, Reply(b" " * 10_000, drip_seconds=0.02)], ids=["silence", "drip"])
def test_fault_2_silence_and_a_dripping_body_stop_within_the_deadline(tmp_path: Path, fault: Reply) -> None:
    """Fault 2."""
    stores = Stores([store(number) for number in range(4)])
    patience = {"timeout_seconds": 0.2, "deadline_seconds": 0.5}
    with feeding(tmp_path, FaultServer(stores), CHANGED, patience) as feed:
        started = time.monotonic()
        stops_and_recovers(feed, stores, [fault] * 9, "while reading" if fault is SILENCE else "not done within")
        assert time.monotonic() - started < 5


@pytest.mark.parametrize("kind", ["seconds", "date"])
def test_fault_3_a_server_that_asks_to_wait_is_obeyed_and_not_for_ever(tmp_path: Path, kind: str) -> None:
    """Fault 3: a wait of a second is kept; one of an hour is cut to what the workspace allows."""
    stores = Stores([store(number) for number in range(4)])

    def busy(seconds: int) -> Reply:
        now = datetime.now(UTC)
        if kind == "seconds":
            return failing(429, Retry_After=str(seconds))
        asked = format_datetime(now + timedelta(seconds=seconds), usegmt=True)
        return failing(429, Retry_After=asked, Date=format_datetime(now, usegmt=True))

    with feeding(tmp_path, FaultServer(stores, [busy(1)]), PAGED, {"most_wait_seconds": 1.5}) as feed:
        assert feed.pull().landed == 4
        first, second = (request.at for request in feed.asked()[:2])
        assert 1 <= second - first < 1.4
        feed.server.faults = [busy(3600)]
        assert feed.pull().error is None
        first, second = (request.at for request in feed.asked()[-4:-2])
        assert second - first < 3


OAUTH = {
    "token_url": "http://127.0.0.1:{port}/token",
    "client_id": "mill",
    "client_secret": "file:token",
}


class Guarded:
    """Stores behind OAuth2; tokens have numbers, and only the newest one is good."""

    def __init__(self, stores: Stores, lasts: float | None = None) -> None:
        self.stores, self.lasts, self.given = stores, lasts, 0

    def __call__(self, request: Request) -> Reply:
        if request.path == "/token":
            form = request.body.decode()
            if "grant_type=client_credentials" not in form or f"client_secret={SECRET}" not in form:
                return failing(400)
            self.given += 1
            return told({"access_token": f"token-{self.given}"} | ({"expires_in": self.lasts} if self.lasts else {}))
        if request.headers.get("authorization") != f"Bearer token-{self.given}":
            return failing(401)
        return self.stores(request)


def test_fault_4_an_expired_token_is_renewed_once_and_a_refused_one_stops(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Fault 4: one refresh on a 401; then Stop; no secret in any message, log, or file of the workspace."""
    caplog.set_level(logging.DEBUG)
    stores = Stores([store(number) for number in range(7)])
    guarded = Guarded(stores)
    with feeding(tmp_path, FaultServer(guarded, only_path="/stores"), CHANGED, OAUTH) as feed:
        feed.server.faults = [stores(request("page=1")), failing(401)]
        assert feed.pull().landed == 7
        assert guarded.given == 2
        stops_and_recovers(feed, stores, [failing(401)] * 2, "refused us (401)")
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name != "token"]
    assert not any(SECRET.encode() in text or b"token-1" in text for text in kept)
    assert SECRET not in caplog.text
    assert "token-1" not in caplog.text


def test_fault_4_a_token_is_renewed_before_it_ends(tmp_path: Path) -> None:
    """Fault 4: `expires_in` is honoured, so that the source sees no request with a dead token."""
    stores = Stores([store(number) for number in range(7)])
    guarded = Guarded(stores, lasts=0.2)
    stores.before = lambda request: time.sleep(0.15)
    with feeding(tmp_path, FaultServer(guarded), CHANGED, OAUTH) as feed:
        assert feed.pull().landed == 7
        assert guarded.given > 2
        assert len(feed.asked()) == 4


def test_fault_4_details_fetched_side_by_side_renew_a_token_once_between_them(tmp_path: Path) -> None:
    """Fault 4: each new token ends the one before it; threads that each fetch their own would end each other's."""
    stores = Stores([store(number) for number in range(12)])
    guarded = Guarded(stores)
    refused: list[Request] = []

    def answer(request: Request) -> Reply:
        if request.path.startswith("/stores/"):
            if guarded.given == 1:
                time.sleep(0.02)
                refused.append(request)
                return failing(401)
            good = request.headers["authorization"] == f"Bearer token-{guarded.given}"
            return told(store(int(request.path[-2:]))) if good else failing(401)
        return guarded(request)

    pull = {"path": "stores", "items": "data", "detail": "stores/{id}", "params": {"size": "12"}}
    with feeding(tmp_path, FaultServer(answer), pull, OAUTH) as feed:
        assert feed.pull().landed == 12
        assert guarded.given == 2
        assert 1 <= len(refused) <= 4


def test_fault_4_a_token_server_in_trouble_is_asked_again_and_one_that_refuses_stops(tmp_path: Path) -> None:
    """Fault 4: the token server may be down too; its refusal is told without the secret it was shown."""
    stores = Stores([store(number) for number in range(4)])
    with feeding(tmp_path, FaultServer(Guarded(stores), [failing(503), RESET], "/token"), CHANGED, OAUTH) as feed:
        assert feed.pull().landed == 4
        feed.server.faults = [told({"error": "invalid_client", "error_description": SECRET}, 401)]
        stopped = feed.pull()
        assert stopped.error is not None
        assert "/token: gave no token (status 401)" in stopped.error
        assert SECRET not in stopped.error
        feed.server.faults = [told({"token_type": "bearer"})]
        assert "gave no token (status 200)" in (feed.pull().error or "")


def test_fault_3_the_pace_a_source_allows_is_kept(tmp_path: Path) -> None:
    """Fault 3: asked for at most ten requests a second, none comes earlier."""
    stores = Stores([store(number) for number in range(12)])
    with feeding(tmp_path, FaultServer(stores), PAGED, {"requests_per_second": 10}) as feed:
        assert feed.pull().landed == 12
        at = [request.at for request in feed.asked()]
        assert at[4] - at[0] >= 0.39


def test_fault_4_a_key_in_the_query_stays_out_of_logs_and_messages(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Fault 4: the HTTP library logs addresses; a key in one of them is cut off there."""
    caplog.set_level(logging.DEBUG)
    stores = Stores([store(0)])
    key = {"api_key": "file:token", "api_key_param": "key"}
    with feeding(tmp_path, FaultServer(stores), PAGED, key) as feed:
        assert feed.pull().landed == 1
        assert feed.asked()[0].query["key"] == SECRET
        feed.server.faults = [failing(403)]
        stopped = feed.pull()
        assert stopped.error is not None
        assert SECRET not in stopped.error
    assert "/stores" in caplog.text
    assert SECRET not in caplog.text


TELLS = {"status_field": "code", "ok_values": ["0"], "busy_values": ["7"], "message_field": "msg"}


def test_fault_5_an_error_told_inside_a_200_is_an_error(tmp_path: Path) -> None:
    """Fault 5: busy is retried, anything else stops in the source's words, without what it repeats of our secrets."""
    stores = Stores([store(number) for number in range(4)])
    key = {"token": "file:token"}
    with feeding(tmp_path, FaultServer(stores, [told({"code": 7})]), CHANGED, TELLS | key) as feed:
        denied = told({"code": 27, "msg": f"session {SECRET} is not allowed to see orders"})
        stops_and_recovers(feed, stores, [denied], "27 session *** is not allowed to see orders")
        stops_and_recovers(feed, stores, [told({"code": 7})] * 3, "after 3 attempts")


def test_fault_5_a_session_that_has_ended_inside_a_200_is_renewed_once(tmp_path: Path) -> None:
    """Fault 5 and 4: platforms that tell an expired token by a code."""
    stores = Stores([store(number) for number in range(4)])
    guarded = Guarded(stores)
    ended = told({"code": 42001, "msg": "token expired"})
    tells = TELLS | {"expired_values": ["42001"]}
    with feeding(tmp_path, FaultServer(guarded, [ended], "/stores"), CHANGED, tells | OAUTH) as feed:
        assert feed.pull().landed == 4
        assert guarded.given == 2
        stops_and_recovers(feed, stores, [ended] * 2, "42001 token expired")


WHOLE = told({"data": [{"id": "x", "name": "X", "at": "2026-01-01T00:00:00Z"}]})


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Reply(WHOLE.body[:-9], headers=WHOLE.headers), "no JSON"),
        (Reply(b'{"data": [{"id": NaN}]}', headers=WHOLE.headers), "NaN is no number"),
        (Reply(b'{"data": [{"id": Infinity}]}', headers=WHOLE.headers), "Infinity is no number"),
        (Reply(b"[" * 100_000, headers=WHOLE.headers), "no JSON"),
        (Reply(b"no gzip", headers={"Content-Encoding": "gzip"}), "no valid gzip"),
        (packed(WHOLE, cut=3), "ends early, after"),
        (Reply(b'{"id": 1}\n{"id": 2', headers={"Content-Type": "application/jsonl"}), "line 2 is cut off"),
    ],
    ids=["cut off", "NaN", "Infinity", "nested", "no gzip", "gzip cut off", "lines cut off"],
)
def test_fault_6_a_broken_answer_is_asked_for_again_then_stops_with_its_position(
    tmp_path: Path, fault: Reply, message: str
) -> None:
    """Fault 6. A gzip stream without its end decodes to the whole text here: only its missing end tells."""
    stores = Stores([store(number) for number in range(4)])
    with feeding(tmp_path, FaultServer(stores, [fault, fault]), CHANGED) as feed:
        stops_and_recovers(feed, stores, [fault] * 3, message)


def test_fault_6_a_line_that_is_no_json_is_quarantined_and_the_lines_after_it_land(tmp_path: Path) -> None:
    """Fault 6: JSON Lines, one of them broken: that row is kept with its reason and counted."""
    reply = packed(lines(store(1), '{"id": "s02", "na', store(3)))
    with feeding(tmp_path, FaultServer(lambda request: reply), {"path": "stores"}) as feed:
        result = feed.pull()
        assert (result.pulled, result.landed, result.quarantined) == (3, 2, 1)
        [bad] = feed.bad.to_dicts()
        assert bad["raw"] == '{"id": "s02", "na'
        assert "line 2 is no JSON" in bad["reason"]
        assert feed.pull().pulled == 0


def test_fault_6_a_bomb_is_refused_before_it_is_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault 6 (and 12): an answer that unpacks beyond the bound."""
    monkeypatch.setattr("ingestion.connectors.web.MOST_BYTES", 1 << 20)
    bomb = Reply(gzip.compress(b" " * (64 << 20)), headers={"Content-Encoding": "gzip"})
    with feeding(tmp_path, FaultServer(lambda request: bomb), PAGED) as feed:
        stopped = feed.pull()
        assert stopped.error is not None
        assert "more than 1,048,576 bytes" in stopped.error
        assert len(feed.asked()) == 1


def test_fault_7_short_empty_and_overlapping_pages_bring_every_row(tmp_path: Path) -> None:
    """Fault 7: a short page and an empty one in the middle, two that overlap, an empty last one."""
    rows = [store(number) for number in range(6)]
    pages: list[list[dict[str, Any]]] = [rows[:3], rows[2:4], [], rows[3:5], rows[4:], []]

    def answer(request: Request) -> Reply:
        return told({"data": pages[int(request.query["page"]) - 1], "pages": len(pages)})

    with feeding(tmp_path, FaultServer(answer), PAGED | {"total_pages": "pages"}) as feed:
        result = feed.pull()
        assert (result.pulled, result.landed) == (9, 9)
        assert feed.ids == ids(range(6))
        assert len(feed.current) == 6


@pytest.mark.parametrize(
    ("pull", "message"),
    [
        (PAGED, "page 4 is page 1 again"),
        ({"path": "stores", "items": "data", "offset_param": "skip"}, "again"),
        ({"path": "stores", "items": "data", "cursor_param": "after", "next": "after"}, "goes in a circle"),
        ({"path": "stores", "items": "data", "next": "next"}, "goes in a circle"),
        ({"path": "stores", "items": "data", "link_header": True}, "goes in a circle"),
        ({"path": "stores", "items": "data", "keyset_param": "over", "keyset_field": "id"}, "goes in a circle"),
    ],
    ids=["page", "offset", "cursor", "next", "link", "keyset"],
)
def test_fault_7_paging_that_goes_in_a_circle_stops(tmp_path: Path, pull: dict[str, Any], message: str) -> None:
    """Fault 7: three pages that follow each other for ever."""
    turn = iter(range(1_000))

    def answer(request: Request) -> Reply:
        number = next(turn) % 3
        body = {"data": [store(number)], "after": f"c{number}", "next": f"/stores?at={number}"}
        return told(body, Link=f'</stores?at={number}>; rel="next"')

    with feeding(tmp_path, FaultServer(answer), pull) as feed:
        stopped = feed.pull()
        assert stopped.error is not None
        assert message in stopped.error
        if "keyset_param" not in pull:
            assert (feed.ids, feed.cursor.value) == ([], None)
        assert len(feed.asked()) < 6


def test_fault_8_rows_at_the_very_time_of_the_cursor_are_not_skipped_and_not_doubled(tmp_path: Path) -> None:
    """Fault 8: equal times at the cursor, cut to the second; a late row within the overlap; a correction."""
    stores = Stores([store(number, "2026-01-05T10:00:00Z") for number in range(5)])
    with feeding(tmp_path, FaultServer(stores), CHANGED) as feed:
        assert feed.pull().landed == 5
        stores.rows += [store(5, "2026-01-05T10:00:00Z"), store(6, "2026-01-05T09:59:30Z")]
        stores.rows[0] = store(0, "2026-01-05T10:00:00Z") | {"name": "Mended"}
        second = feed.pull()
        assert second.landed == 3
        assert feed.ids == ids(range(7))
        assert feed.current["s00"] == "Mended"
        assert feed.rows.height == 8
        cursor = feed.cursor
        assert feed.pull().pulled == 0
        assert feed.cursor == cursor


def test_fault_8_a_time_that_is_null_until_the_first_change(tmp_path: Path) -> None:
    """Fault 8: rows without a time are known again by what they say; another field stands in for the cursor."""
    stores = Stores([store(number, at=None) | {"at": None, "made": "2026-01-02T00:00:00Z"} for number in range(4)])
    with feeding(tmp_path, FaultServer(stores), CHANGED | {"instead_field": "made"}) as feed:
        assert feed.pull().landed == 4
        assert feed.cursor.value is not None
        assert feed.cursor.value["since"] == "2026-01-02T00:00:00+00:00"
        assert feed.pull().pulled == 0
        stores.rows[2] = store(2, "2026-01-03T00:00:00Z")
        stores.rows.append({"id": "s09", "name": "New", "at": None, "made": "2026-01-03T00:00:00Z"})
        assert feed.pull().landed == 2
        assert feed.ids == [*ids(range(4)), "s09"]


def test_fault_13_a_time_from_the_future_does_not_blind_the_stream(tmp_path: Path) -> None:
    """Fault 13: the row is quarantined, and the changes until then are still asked for."""
    stores = Stores([store(1), store(2, "2999-01-01T00:00:00Z")])
    with feeding(tmp_path, FaultServer(stores), CHANGED) as feed:
        result = feed.pull()
        assert (result.landed, result.quarantined) == (1, 1)
        stores.rows.append(store(3))
        assert feed.pull().landed == 1


def test_fault_13_a_server_whose_clock_is_behind_loses_nothing_at_the_end_of_the_last_window(tmp_path: Path) -> None:
    """Fault 13: what it writes a while later still bears a time before the end we asked for."""
    minute = timedelta(minutes=1)
    ours = datetime.now(UTC).replace(microsecond=0)

    def behind(number: int, by: timedelta) -> dict[str, Any]:
        return store(number, (ours - by).strftime("%Y-%m-%dT%H:%M:%SZ"))

    stores = Stores([behind(1, 120 * minute)])
    start = (ours - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    with feeding(tmp_path, FaultServer(stores), WINDOWS | {"start": start, "lag_seconds": 3600}) as feed:
        assert feed.pull().landed == 1
        stores.rows.append(behind(2, 50 * minute))
        assert feed.pull().landed == 1


def sliding(stores: Stores, on_page: str) -> None:
    """A store of an early page changes while that page's successor is being asked for, and leaves the window."""

    def change(request: Request) -> None:
        if request.query.get("page") == on_page and not getattr(stores, "has_slid", False):
            stores.has_slid = True  # type: ignore[attr-defined]
            moved = stores.rows.pop(0)
            stores.rows.append(moved | {"at": "2026-01-01T23:59:59Z", "name": "Moved"})

    stores.before = change


SLIDING = {"total_pages": "pages", "start": "2026-01-01T00:00:00Z"}


def test_fault_34_rows_that_slide_between_pages_are_not_skipped_from_last_to_first(tmp_path: Path) -> None:
    """Fault 34: forward, the row at the page's edge is lost; from the last page to the first none is."""
    from_last = WINDOWS | SLIDING | {"from_last": True, "window_hours": 20}
    stores = Stores([store(number) for number in range(9)])
    sliding(stores, "2")
    with feeding(tmp_path / "back", FaultServer(stores), from_last) as feed:
        assert feed.pull().error is None
        assert feed.ids == ids(range(9))
        assert feed.current["s00"] == "Moved"
    stores = Stores([store(number) for number in range(9)])
    sliding(stores, "2")
    forward = {name: value for name, value in CHANGED.items() if name != "overlap_seconds"} | {"overlap_seconds": 0}
    with feeding(tmp_path / "forth", FaultServer(stores), forward) as feed:
        feed.pull()
        assert "s03" not in feed.ids, "the fault is no fault: this test protects nothing"


def test_fault_34_reading_from_the_last_page_needs_to_know_which_one_that_is(tmp_path: Path) -> None:
    """Fault 34: without a total the first page would pass for the only one."""
    stores = Stores([store(number) for number in range(9)])
    with feeding(
        tmp_path, FaultServer(stores), WINDOWS | SLIDING | {"from_last": True, "total_pages": "count"}
    ) as feed:
        assert "does not tell how many pages" in (feed.pull().error or "")
        assert feed.ids == []


def test_fault_34_a_row_changed_behind_the_reader_is_asked_for_again(tmp_path: Path) -> None:
    """Fault 34: a later page tells a later time than the change on an earlier one; the cursor stays before the pull."""
    now = datetime.now(UTC).replace(microsecond=0)
    late = (now + timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    stores = Stores([store(number) for number in range(6)])
    stores.rows[5] |= {"at": late}

    def change(request: Request) -> None:
        if request.query.get("page") == "2":
            changed = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            stores.rows[0] = store(0, changed) | {"name": "Changed behind"}

    stores.before = change
    with feeding(tmp_path, FaultServer(stores), CHANGED | {"overlap_seconds": 0}) as feed:
        assert feed.pull().landed == 6
        stores.before = lambda request: None
        assert feed.pull().error is None
        assert feed.current["s00"] == "Changed behind"


def test_a_long_first_pull_that_is_cut_short_goes_on_at_the_window_it_was_in(tmp_path: Path) -> None:
    """Faults 1 and 34: windows land one after the other; the next run does not ask for the days that are in."""
    stores = Stores([store(number) for number in range(0, 24 * 9, 6)])
    end = (datetime.now(UTC) - datetime(2026, 1, 1, tzinfo=UTC)) // timedelta(days=1)

    stores.before = lambda request: failing(503) if request.query["since"] >= "2026-01-05" else None
    with feeding(tmp_path, FaultServer(stores), WINDOWS) as feed:
        assert feed.pull().error is not None
        # The days before the window that failed are whole, and in.
        assert feed.ids == sorted(f"s{number:02d}" for number in range(0, 24 * 5, 6))
        assert feed.cursor.value is not None
        assert feed.cursor.value["since"] == "2026-01-06T00:00:00+00:00"
        stores.before = lambda request: None
        feed.server.asked.clear()
        assert feed.pull().error is None
        assert len(feed.ids) == 36
        assert feed.rows.height == 36
        assert min(request.query["since"] for request in feed.asked()) > "2026-01-02"
        assert end * 1 < len(feed.asked()) < end * 3
        assert feed.pull().loads == ()


KEYSET = {
    "path": "stores",
    "items": "data",
    "keyset_param": "after",
    "keyset_field": "id",
    "size_param": "size",
    "size": 2,
}


def by_id(stores: Stores) -> Callable[[Request], Reply]:
    def answer(request: Request) -> Reply:
        if (instead := stores.before(request)) is not None:
            return instead
        after, since = request.query.get("after", ""), request.query.get("since", "")
        found = [
            row for row in sorted(stores.rows, key=lambda row: row["id"]) if row["id"] > after and row["at"] >= since
        ]
        return told({"data": found[: int(request.query["size"])]})

    return answer


def test_a_keyset_goes_on_behind_the_last_id_that_landed(tmp_path: Path) -> None:
    """Faults 1 and 34: records that are only added; what landed before the server fell is not asked for again."""
    stores = Stores([store(number) for number in range(9)])
    with feeding(tmp_path, FaultServer(by_id(stores)), KEYSET) as feed:
        stores.before = lambda request: failing(503) if request.query.get("after", "") >= "s05" else None
        assert feed.pull().error is not None
        assert feed.cursor.value == {"after": "s03"}
        stores.before = lambda request: None
        feed.server.asked.clear()
        assert feed.pull().landed == 5
        assert feed.asked()[0].query["after"] == "s03"
        stores.rows.append(store(9))
        assert feed.pull().landed == 1
        assert feed.rows.height == 10
        assert feed.pull().loads == ()


def test_a_keyset_within_changes_is_resumed_and_then_closed(tmp_path: Path) -> None:
    """Faults 1, 8 and 34: cut short by id within one span of changes, it ends with a time again and no id."""
    stores = Stores([store(number) for number in range(6)])
    changed = KEYSET | {"since_param": "since", "since_field": "at", "overlap_seconds": 60}
    with feeding(tmp_path, FaultServer(by_id(stores)), changed) as feed:
        stores.before = lambda request: failing(503) if request.query.get("after", "") >= "s05" else None
        assert feed.pull().error is not None
        assert feed.cursor.value is not None
        assert feed.cursor.value["after"] == "s03"
        stores.before = lambda request: None
        stores.rows[0] = store(0, "2026-01-02T00:00:00Z") | {"name": "Changed meanwhile"}
        assert feed.pull().error is None
        assert feed.cursor.value["since"] == "2026-01-01T05:30:00+00:00"
        assert "after" not in feed.cursor.value
        assert feed.pull().landed == 1
        assert (feed.ids, feed.current["s00"]) == (ids(range(6)), "Changed meanwhile")


def test_fault_29_what_is_remembered_of_a_long_answer_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 29: more records than are remembered; the cursor stays small, and the next pull takes the overlap again."""
    monkeypatch.setattr(changes, "MOST_REMEMBERED", 10)
    same = [store(number, "2026-01-05T10:00:00Z") for number in range(30)]
    with feeding(tmp_path / "equal", FaultServer(Stores(list(same))), CHANGED) as feed:
        assert feed.pull().landed == 30
        assert feed.cursor.value == {"seen": [], "since": "2026-01-05T10:00:00+00:00"}
        assert feed.pull().landed == 30
        assert len(feed.current) == 30
    apart = [store(number) for number in range(30)]
    with feeding(tmp_path / "apart", FaultServer(Stores(apart)), CHANGED) as feed:
        assert feed.pull().landed == 30
        assert len(json.dumps(feed.cursor.value)) < 500
        assert feed.pull().pulled == 0


def test_the_details_of_a_record_come_with_it_and_one_that_is_gone_is_quarantined(tmp_path: Path) -> None:
    """Faults 1 and 2: details a few at a time, within the page's deadline; a failing one stops the stream."""
    listed = [{"id": f"s{number:02d}", "url": f"/stores/s{number:02d}?v=2"} for number in range(7)]

    def answer(request: Request) -> Reply:
        if request.path == "/stores":
            return told({"data": listed})
        number = int(request.path[-2:])
        assert request.query == {"v": "2"}
        return failing(410) if number == 3 else told({"store": store(number)})

    detailed = {"path": "stores", "items": "data", "detail": "{url}", "detail_item": "store"}
    with feeding(tmp_path, FaultServer(answer, [failing(500)], "/stores/"), detailed) as feed:
        result = feed.pull()
        assert (result.pulled, result.landed, result.quarantined) == (7, 6, 1)
        assert feed.current["s06"] == "Store 6"
        assert feed.bad["reason"].to_list() == ["its detail is gone (410)"]
        listed.append({"id": "s08", "url": "/stores/s08?v=2"})
        feed.server.faults = [failing(500)] * 9
        cursor = feed.cursor
        assert feed.pull().error is not None
        assert feed.cursor == cursor


def test_a_detail_cannot_lead_to_another_server_or_another_path(tmp_path: Path) -> None:
    """Fault 4: the token stays here; an id with slashes stays one part of the path."""
    listed = [{"id": "../admin"}]

    def answer(request: Request) -> Reply:
        return told({"data": listed}) if request.path == "/stores" else told(store(1))

    detailed = {"path": "stores", "items": "data", "detail": "stores/{id}"}
    with feeding(tmp_path, FaultServer(answer), detailed, {"token": "file:token"}) as feed:
        assert feed.pull().landed == 1
        assert feed.asked()[1].path == "/stores/..%2Fadmin"
    away = [{"id": "s01", "url": "http://127.0.0.2:1/x"}]
    server = FaultServer(lambda request: told({"data": away}))
    with feeding(tmp_path / "away", server, detailed | {"detail": "{url}"}, {"token": "file:token"}) as feed:
        stopped = feed.pull()
        assert stopped.error is not None
        assert "the token stays here" in stopped.error


def test_redirects_are_followed_on_the_same_server_and_refused_to_another(tmp_path: Path) -> None:
    """Fault 4: a redirect to another host would take the token there."""
    stores = Stores([store(1)])

    def answer(request: Request) -> Reply:
        return (
            stores(request)
            if request.path == "/stores/"
            else failing(308, Location=f"/stores/?page={request.query['page']}")
        )

    with feeding(tmp_path, FaultServer(answer), PAGED, {"token": "file:token"}) as feed:
        assert feed.pull().landed == 1
        assert feed.asked("/stores/")[0].headers["authorization"] == f"Bearer {SECRET}"
        feed.server.faults = [failing(302, Location="http://127.0.0.2:1/stores")]
        stopped = feed.pull()
        assert stopped.error is not None
        assert "we are sent on, and the answer lies on another server (127.0.0.2)" in stopped.error
