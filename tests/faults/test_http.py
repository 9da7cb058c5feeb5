"""HTTP sources in trouble: faults 1 (passing), 2 (silent), 3 (busy), 5 (errors in a 200), 6 (broken answers)."""

from __future__ import annotations

import gzip
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from tests.faults.http_feed import SECRET, feeding
from tests.faults.http_server import (
    RESET,
    SILENCE,
    FaultServer,
    Reply,
    failing,
    lines,
    packed,
    told,
)
from tests.faults.http_stores import CHANGED, PAGED, TELLS, Stores, ids, request, stops_and_recovers, store


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


def test_fault_3_the_pace_a_source_allows_is_kept(tmp_path: Path) -> None:
    """Fault 3: asked for at most ten requests a second, none comes earlier."""
    stores = Stores([store(number) for number in range(12)])
    with feeding(tmp_path, FaultServer(stores), PAGED, {"requests_per_second": 10}) as feed:
        assert feed.pull().landed == 12
        at = [request.at for request in feed.asked()]
        assert at[4] - at[0] >= 0.39


def test_fault_5_an_error_told_inside_a_200_is_an_error(tmp_path: Path) -> None:
    """Fault 5: busy is retried, anything else stops in the source's words, without what it repeats of our secrets."""
    stores = Stores([store(number) for number in range(4)])
    key = {"token": "file:token"}
    with feeding(tmp_path, FaultServer(stores, [told({"code": 7})]), CHANGED, TELLS | key) as feed:
        denied = told({"code": 27, "msg": f"session {SECRET} is not allowed to see orders"})
        stops_and_recovers(feed, stores, [denied], "27 session *** is not allowed to see orders")
        stops_and_recovers(feed, stores, [told({"code": 7})] * 3, "after 3 attempts")


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
