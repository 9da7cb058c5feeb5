"""A first page that may not be all: fault 7, where a misspelt key would make one page out of many; and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.faults.http_feed import feeding
from tests.faults.http_server import FaultServer, Reply, Request, told
from tests.faults.http_stores import ids, store
from tests.faults.shop import tillmill
from tillmill.workspace import open_workspace

ROWS = [store(number) for number in range(9)]
BY_CURSOR = {"path": "stores", "items": "data", "cursor_param": "after", "next": "paging.next"}
SIZED = {"size_param": "limit", "size": 4}
CHANGED = {"since_param": "since", "since_field": "at", "overlap_seconds": 0}


class Shop:
    """Pages by cursor, newest first; its last page says so, or (`omits`) leaves the key out."""

    def __init__(self, rows: list[dict[str, Any]] = ROWS, *, omits: bool = False, most: int = 100) -> None:
        self.rows, self.omits, self.most = rows, omits, most

    def __call__(self, request: Request) -> Reply:
        found = [row for row in self.rows if row["at"] >= request.query.get("since", "")][::-1]
        start, size = int(request.query.get("after", 0)), min(int(request.query.get("limit", 4)), self.most)
        following = str(start + size) if start + size < len(found) else None
        paging = {"next": following, "has_more": following is not None, "total": len(found)}
        if self.omits and following is None:
            paging = {"total": len(found)}
        return told({"data": found[start : start + size], "paging": paging})


@pytest.mark.parametrize(
    ("pull", "lacks"),
    [
        ({"next": "paging.nxt"}, "no 'paging.nxt'; did you mean 'paging.next'?"),
        ({"next": "paging.nxt", **SIZED}, "no 'paging.nxt'; did you mean 'paging.next'?"),
        ({"next": "links.following"}, "no 'links.following'"),
        ({"next": "paging.next", "more": "paging.has_mroe", **SIZED}, "did you mean 'paging.has_more'?"),
        ({"next": "", "cursor_param": "", "offset_param": "after", "more": "paging.mre"}, "no 'paging.mre'"),
        ({"next": "", "cursor_param": "", "link_header": True, **SIZED}, "no Link header"),
    ],
    ids=["next", "next of a full page", "nothing like it", "more", "more beside an offset", "link header"],
)
def test_fault_7_a_key_that_is_not_there_is_not_taken_for_the_last_page(
    tmp_path: Path, pull: dict[str, Any], lacks: str
) -> None:
    """Fault 7: the stream stops with nothing landed; once the key is mended, every row comes."""
    with feeding(tmp_path / "short", FaultServer(Shop()), BY_CURSOR | pull) as feed:
        stopped = feed.pull()
        assert stopped.error is not None
        assert "stores: the first page has 4 records and nothing to say whether more follow" in stopped.error
        assert lacks in stopped.error
        assert "tillmill ingest --afresh --source shop --stream pos.stores" in stopped.error
        assert (stopped.pulled, feed.ids, feed.cursor.value) == (0, [], None)
    with feeding(tmp_path / "mended", FaultServer(Shop()), BY_CURSOR | SIZED) as feed:
        assert feed.pull().error is None
        assert feed.ids == ids(range(9))


def test_fault_7_a_server_that_gives_less_than_it_is_asked_for_hides_no_misspelling(tmp_path: Path) -> None:
    """Fault 7: a page of four where ten were asked for looks like the last, but a key all but the same has a cursor."""
    pull = BY_CURSOR | {"next": "paging.Next_", "size_param": "limit", "size": 10}
    with feeding(tmp_path, FaultServer(Shop(most=4)), pull) as feed:
        assert "no 'paging.Next_'; did you mean 'paging.next'?" in (feed.pull().error or "")
        assert feed.ids == []


@pytest.mark.parametrize(
    "pull", [SIZED, {"next_may_be_missing": True}, SIZED | {"more": "paging.has_more"}], ids=["size", "said", "more"]
)
def test_a_source_that_leaves_the_key_out_on_its_last_page_is_read_to_its_end(
    tmp_path: Path, pull: dict[str, Any]
) -> None:
    for rows in (3, 5, 9):
        root = tmp_path / str(rows)
        with feeding(root, FaultServer(Shop(ROWS[:rows], omits=True)), BY_CURSOR | CHANGED | pull) as feed:
            assert feed.pull().error is None
            assert feed.ids == ids(range(rows))
            assert feed.pull().error is None, "the last row comes again, alone on a first page without a key"


def test_a_full_first_page_without_the_key_is_read_where_the_source_is_said_to_leave_it_out(tmp_path: Path) -> None:
    short = FaultServer(Shop(ROWS[:4], omits=True))
    with feeding(tmp_path / "unsaid", short, BY_CURSOR | SIZED) as feed:
        assert "next_may_be_missing = true" in (feed.pull().error or "")
    with feeding(tmp_path / "said", short, BY_CURSOR | SIZED | {"next_may_be_missing": True}) as feed:
        assert feed.pull().landed == 4


COUNTED = {"path": "stores", "items": "data", "total_rows": "paging.total"}


@pytest.mark.parametrize(
    "pull",
    [{"offset_param": "after"}, {"page_param": "page"}, {"cursor_param": "after", "next": "paging.next"}],
    ids=["offset", "page", "cursor"],
)
def test_fault_7_pages_that_end_before_the_sources_own_count_stop(tmp_path: Path, pull: dict[str, Any]) -> None:
    """Fault 7: a source that hands over no more than its first eight of nine rows, and counts nine, is no end."""

    def answer(request: Request) -> Reply:
        start = int(request.query.get("after", (int(request.query.get("page", 1)) - 1) * 4))
        following = str(start + 4) if start < 4 else None
        total = len(ROWS) if start < limit else 0
        return told({"data": ROWS[start : min(start + 4, limit)], "paging": {"total": total, "next": following}})

    limit = 8
    with feeding(tmp_path, FaultServer(answer), COUNTED | pull) as feed:
        stopped = feed.pull()
        said = stopped.error or ""
        assert "stores: 8 of 9 rows came, then nothing more: paging.total counts 1 that are on none" in said
        assert "then: tillmill ingest --source shop --stream pos.stores" in said
        assert (stopped.pulled, feed.ids, feed.cursor.value) == (0, [], None)
    uncounted = COUNTED | pull | {"total_rows": ""}
    with feeding(tmp_path / "uncounted", FaultServer(answer), uncounted) as feed:
        assert (feed.pull().error, feed.ids) == (None, ids(range(8)))


def test_a_count_that_changes_while_its_pages_are_read_does_not_stop(tmp_path: Path) -> None:
    """Rows that come or go in the meantime are no rows held back: the lowest count is the one that is certain."""
    for name, totals in (("gone", [9, 8, 8]), ("new", [8, 9, 9])):
        counts = iter(totals)

        def answer(request: Request, counts: Any = counts) -> Reply:
            start = int(request.query.get("after", 0))
            following = str(start + 4) if start < 4 else None
            return told({"data": ROWS[start : start + 4], "paging": {"total": next(counts), "next": following}})

        with feeding(tmp_path / name, FaultServer(answer), COUNTED | BY_CURSOR) as feed:
            assert (feed.pull().error, feed.ids) == (None, ids(range(8)))


def test_an_empty_answer_needs_no_key(tmp_path: Path) -> None:
    with feeding(tmp_path, FaultServer(lambda request: told({"data": []})), BY_CURSOR) as feed:
        assert (feed.pull().error, feed.ids) == (None, [])


def test_a_key_with_a_dot_in_its_name_is_found(tmp_path: Path) -> None:
    """As OData has it: `@odata.nextLink` is one key."""

    def answer(request: Request) -> Reply:
        start = int(request.query.get("skip", 0))
        more = {"@odata.nextLink": f"/stores?skip={start + 4}"} if start + 4 < len(ROWS) else {}
        return told({"value": ROWS[start : start + 4], **more})

    pull = {"path": "stores", "items": "value", "next": "@odata.nextLink"}
    with feeding(tmp_path / "said", FaultServer(answer), pull | {"next_may_be_missing": True}) as feed:
        assert feed.pull().error is None
        assert feed.ids == ids(range(9))
    with feeding(tmp_path / "misspelt", FaultServer(answer), pull | {"next": "@odata.nextlink"}) as feed:
        assert "did you mean '@odata.nextLink'?" in (feed.pull().error or "")


@pytest.mark.parametrize(
    ("pull", "said"),
    [
        ({"size_param": "limit", "size": 4}, "exactly 4 records, as many as were asked for"),
        ({"params": {"limit": "4"}}, "exactly 4 records, as many as were asked for"),
        ({}, "the answer has paging.next, paging.has_more, paging.total = 9"),
    ],
    ids=["size", "a parameter", "what the answer says"],
)
def test_fault_7_a_page_that_looks_like_the_first_of_many_is_told_where_nothing_says_how_to_go_on(
    tmp_path: Path, pull: dict[str, Any], said: str
) -> None:
    """Fault 7: no paging at all is a setting that may be right, so the rows land; what speaks against it is told."""
    with feeding(tmp_path, FaultServer(Shop()), {"path": "stores", "items": "data"} | pull) as feed:
        result = feed.pull()
        assert (result.error, result.landed) == (None, 4)
        [news] = result.news
        assert said in news
        assert "pull does not say how the next page is asked for" in news


def test_a_whole_list_is_no_news(tmp_path: Path) -> None:
    with feeding(tmp_path, FaultServer(Shop(ROWS[:3])), {"path": "stores", "items": "data", "size": 4}) as feed:
        assert feed.pull().news == ()


@pytest.mark.parametrize("pull", [{"more": "paging.has_more"}, {"total_rows": "paging.total"}])
def test_fault_7_an_answer_that_counts_more_than_its_only_page_stops(tmp_path: Path, pull: dict[str, Any]) -> None:
    """Fault 7: the workspace file says where the count stands, but not how the next page is asked for."""
    with feeding(tmp_path, FaultServer(Shop()), {"path": "stores", "items": "data"} | pull) as feed:
        assert "says that there is more than its 4 records" in (feed.pull().error or "")
        assert feed.ids == []


def test_rows_that_a_newest_first_feed_passed_over_come_when_it_is_read_afresh(tmp_path: Path) -> None:
    """The cursor stands at the newest change, so that an ordinary pull never asks for the older rows again."""
    shop = Shop()
    settings = tmp_path / "tillmill.toml"
    with feeding(tmp_path, FaultServer(shop), {"path": "stores", "items": "data"} | SIZED | CHANGED) as feed:
        assert feed.pull().landed == 4
        told = settings.read_text()
        settings.write_text(told.replace('"items" = ', '"cursor_param" = "after", "next" = "paging.next", "items" = '))
        feed.workspace = open_workspace(tmp_path)
        assert feed.pull().landed == 0
        cursor = feed.cursor
        result = feed.pull(afresh=True)
        assert (result.error, result.landed) == (None, 9)
        assert feed.ids == ids(range(9)) == sorted(feed.current)
        assert feed.cursor.value == cursor.value
        assert feed.pull().loads == ()


def test_a_reading_from_the_start_that_fails_leaves_the_cursor_where_it_was(tmp_path: Path) -> None:
    with feeding(tmp_path, FaultServer(Shop()), BY_CURSOR | SIZED | CHANGED) as feed:
        assert feed.pull().landed == 9
        before, cursor = feed.rows.height, feed.cursor
        feed.server.faults = [Shop()(Request("GET", "/stores", {"limit": "4"}, {}, b"", 0.0)), *[told({}, 404)] * 3]
        stopped = feed.pull(afresh=True)
        assert "404" in (stopped.error or "")
        assert (stopped.pulled, feed.rows.height, feed.cursor) == (0, before, cursor)


def test_items_that_are_not_there_are_told_beside_those_that_are(tmp_path: Path) -> None:
    with feeding(tmp_path / "near", FaultServer(Shop()), BY_CURSOR | {"items": "dat"}) as feed:
        said = feed.pull().error or ""
        assert "no list of records under 'dat' in the answer; did you mean 'data'?; there are data, paging" in said
    with feeding(tmp_path / "top", FaultServer(Shop()), {"path": "stores"}) as feed:
        assert "no list of records under 'the top' in the answer; there are data, paging" in (feed.pull().error or "")


def test_names_that_may_be_data_are_not_told(tmp_path: Path) -> None:
    """An answer may have its records by id: a phone or an address in a name's place stays out of messages and logs."""
    people = {
        "13912345618": {"name": "Ada"},
        "ada@example.com": {"name": "Ada"},
        "people": [],
        "control\x1b[2J": 1,
        "Ada Lovelace": {},
    }
    with feeding(tmp_path, FaultServer(lambda request: told(people)), {"path": "stores", "items": "rows"}) as feed:
        said = feed.pull().error or ""
        assert "there is people" in said
        assert not any(name in said for name in ("13912345618", "ada@", "control", "Lovelace"))


def test_a_first_page_is_judged_by_the_trial_too(tmp_path: Path) -> None:
    with feeding(tmp_path / "short", FaultServer(Shop()), BY_CURSOR | {"next": "paging.nxt"}) as feed:
        done = tillmill(feed.workspace, "sources", "check", "shop")
        assert done.code == 1
        assert "did you mean 'paging.next'?" in done.said
    with feeding(tmp_path / "news", FaultServer(Shop()), {"path": "stores", "items": "data", **SIZED}) as feed:
        assert (
            "exactly 4 records, as many as were asked for" in tillmill(feed.workspace, "sources", "check", "shop").said
        )


def test_a_feed_is_read_afresh_by_the_command_that_the_news_gives(tmp_path: Path) -> None:
    with feeding(tmp_path, FaultServer(Shop()), {"path": "stores", "items": "data", **SIZED}) as feed:
        first = tillmill(feed.workspace, "ingest")
        assert first.code == 0
        assert "exactly 4 records, as many as were asked for" in first.said
        again = "tillmill ingest --afresh --source shop --stream pos.stores"
        assert again in first.said.replace("\n", " ")
        assert feed.rows.height == 4
        done = tillmill(feed.workspace, *again.split()[1:])
        assert (done.code, feed.rows.height, len(feed.current)) == (0, 8, 4)
        for words in (["--afresh"], ["--afresh", "--source", "shop", "--backfill", "2026-01-01", "2026-01-02"]):
            refused = tillmill(feed.workspace, "ingest", *words)
            assert refused.code == 2
            assert "--afresh reads one source from its start" in refused.said
