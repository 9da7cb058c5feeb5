"""Long answers of HTTP sources: resumed by window or by keyset, and remembered in bounded memory (fault 29)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingestion.connectors import changes
from tests.faults.http_feed import feeding
from tests.faults.http_server import (
    FaultServer,
    Reply,
    Request,
    failing,
    told,
)
from tests.faults.http_stores import CHANGED, WINDOWS, Stores, ids, store


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
