"""HTTP sources read page by page: faults 7 (pages that repeat or circle), 8, 13 (times), 34 (rows that slide)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.faults.http_feed import feeding
from tests.faults.http_server import (
    FaultServer,
    Reply,
    Request,
    told,
)
from tests.faults.http_stores import CHANGED, PAGED, WINDOWS, Stores, ids, store


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
