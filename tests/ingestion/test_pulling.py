"""Pulling: what a stream yields lands once, a stream that fails stops alone, and nobody waits for ever."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ingestion.connectors.page import Page
from ingestion.landing.ledger import Cursor, Ledger
from ingestion.landing.locks import stream_lock
from ingestion.pulling import Limits, StreamResult, pull_all
from tests.ingestion.folder import Folder, Prepared, landed, make_workspace, prepare, write_file
from tillmill.errors import SourceError
from tillmill.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path / "mill")


def rows_of(workspace: Workspace) -> pl.DataFrame:
    with Ledger(workspace.ledger) as ledger:
        return landed(workspace, ledger.manifest())


def cursor_of(workspace: Workspace, source: str = "pos") -> Cursor:
    with Ledger(workspace.ledger) as ledger:
        return ledger.cursor(source, "pos.lines")


def keys_of(workspace: Workspace) -> list[tuple[str, int]]:
    return sorted(rows_of(workspace).select("sale_id", "line_no").rows())


def test_every_file_lands_once_and_a_second_pull_lands_only_what_is_new(workspace: Workspace, tmp_path: Path) -> None:
    stream = Folder(tmp_path / "in")
    keys = write_file(stream.folder, 1, 60, bad=3) | write_file(stream.folder, 2, 60)
    first = pull_all(workspace, [stream], prepare)[0]
    assert (first.pulled, first.landed, first.quarantined, first.error) == (120, 117, 3, None)
    assert len(first.loads) == 1
    assert cursor_of(workspace) == Cursor({"file": "lines_0002.csv"}, 1)
    keys |= write_file(stream.folder, 3, 5, extra="colour")
    second = pull_all(workspace, [stream], prepare)[0]
    assert (second.pulled, second.landed) == (5, 5)
    assert set(keys_of(workspace)) == keys - {("s1", 0), ("s1", 1), ("s1", 2)}
    assert second.watermark_at == rows_of(workspace)["sold_at"].max()
    with Ledger(workspace.ledger) as ledger:
        assert [load.extra_fields for load in ledger.loads()] == [(), ("colour",)]


def test_a_pull_without_news_makes_no_load_and_costs_next_to_nothing(workspace: Workspace, tmp_path: Path) -> None:
    stream = Folder(tmp_path / "in")
    write_file(stream.folder, 1)
    pull_all(workspace, [stream], prepare)
    spent = []
    for _ in range(5):
        result = pull_all(workspace, [stream], prepare)[0]
        assert (result.loads, result.pulled, result.error) == ((), 0, None)
        spent.append(result.seconds)
    assert min(spent) < 0.02


def test_a_long_pull_becomes_several_loads_each_with_the_cursor_behind_it(workspace: Workspace, tmp_path: Path) -> None:
    stream = Folder(tmp_path / "in")
    keys = set().union(*(write_file(stream.folder, number, 10) for number in range(7)))
    result = pull_all(workspace, [stream], prepare, limits=Limits(load_rows=30))[0]
    assert len(result.loads) == 3
    assert cursor_of(workspace) == Cursor({"file": "lines_0006.csv"}, 3)
    assert set(keys_of(workspace)) == keys
    assert pull_all(workspace, [stream], prepare, limits=Limits(load_bytes=1))[0].loads == ()


def test_too_many_bad_rows_stop_the_stream_with_nothing_landed_and_the_cursor_unmoved(
    workspace: Workspace, tmp_path: Path
) -> None:
    stream = Folder(tmp_path / "in")
    write_file(stream.folder, 1, 100, bad=21)
    result = pull_all(workspace, [stream], prepare)[0]
    assert result.error is not None
    assert result.error.startswith(
        "21 of 100 rows do not fit their contract (21.0%; at most 20.0% may: max_quarantined_rate); "
        "most of the bad rows: not a number\n"
    )
    assert result.error.endswith("\nNext: tillmill sources check pos --stream pos.lines")
    assert (result.loads, rows_of(workspace).height) == ((), 0)
    assert cursor_of(workspace) == Cursor(None, 0)
    assert list((workspace.root / "lake").rglob("*.parquet")) == []
    tolerant = pull_all(workspace, [replace(stream, max_quarantined_rate=0.21)], prepare)[0]
    assert (tolerant.landed, tolerant.quarantined, tolerant.error) == (79, 21, None)


def test_a_handful_of_rows_says_nothing_about_a_feed(workspace: Workspace, tmp_path: Path) -> None:
    stream = Folder(tmp_path / "in")
    write_file(stream.folder, 1, 99, bad=99)
    result = pull_all(workspace, [stream], prepare)[0]
    assert (result.landed, result.quarantined, result.error) == (0, 99, None)


@pytest.mark.parametrize("bad", [60, 100])
def test_a_feed_that_turns_bad_half_way_stops_there(workspace: Workspace, tmp_path: Path, bad: int) -> None:
    stream = Folder(tmp_path / "in")
    write_file(stream.folder, 1, 100)
    write_file(stream.folder, 2, 100, bad=bad)
    write_file(stream.folder, 3, 100)
    result = pull_all(workspace, [stream], prepare, limits=Limits(load_rows=100))[0]
    assert result.error is not None
    assert "1 earlier loads of this pull stay" in result.error
    assert (len(result.loads), result.landed) == (1, 100)
    assert cursor_of(workspace).value == {"file": "lines_0001.csv"}


def test_a_stream_that_fails_stops_no_other_and_the_order_of_results_is_kept(
    workspace: Workspace, tmp_path: Path
) -> None:
    streams = [Folder(tmp_path / name, source=name) for name in ("till", "broken", "web")]
    for stream in streams:
        write_file(stream.folder, 1)
    (tmp_path / "broken" / "lines_0002.csv").write_bytes(b'sale_id,line_no\n"never closed')
    said: list[StreamResult | str] = []
    results = pull_all(workspace, streams, prepare, progress=said.append)
    assert [result.source for result in results] == ["till", "broken", "web"]
    assert [result.error is None for result in results] == [True, False, True]
    assert results[1].error is not None
    # Whoever shows it puts the stream's name before it, and what to type next behind it.
    assert "broken pos.lines" not in results[1].error.splitlines()[0]
    assert str(results[1]).startswith("broken pos.lines: ")
    assert "\nNext: tillmill " in results[1].error
    assert cursor_of(workspace, "broken") == Cursor(None, 0)
    assert {one.source for one in said if isinstance(one, StreamResult)} == {"till", "broken", "web"}
    assert {one for one in said if isinstance(one, str)} == {"till pos.lines", "broken pos.lines", "web pos.lines"}


@dataclass(frozen=True)
class Failing(Folder):
    """Two pages a file, the second moves the cursor; after the last file the source fails, in the middle of one."""

    def pages(self, cursor: dict[str, Any] | None) -> Iterator[Page]:
        before = cursor or {}
        for page in super().pages(cursor):
            yield replace(page, records=page.records.head(3), cursor=before)
            yield replace(page, records=page.records.tail(-3))
            before = page.cursor
        yield replace(page, cursor=before)
        raise SourceError("the source is gone")


def test_what_was_read_whole_before_a_source_failed_is_kept(workspace: Workspace, tmp_path: Path) -> None:
    stream = Failing(tmp_path / "in")
    keys = set().union(*(write_file(stream.folder, number) for number in range(3)))
    stopped = pull_all(workspace, [stream], prepare)[0]
    assert stopped.error == "the source is gone\nNext: tillmill sources check pos --stream pos.lines"
    assert (stopped.landed, cursor_of(workspace).value) == (30, {"file": "lines_0002.csv"})
    assert keys_of(workspace) == sorted(keys)


@dataclass(frozen=True)
class Silent(Folder):
    """Its last file is a pipe that nobody writes to: opening it never returns."""

    def pages(self, cursor: dict[str, Any] | None) -> Iterator[Page]:
        yield from super().pages(cursor)
        with (self.folder / "pipe").open("rb") as pipe:
            pipe.read()


def test_a_source_that_never_answers_is_left_at_the_deadline_and_what_came_in_time_is_kept(
    workspace: Workspace, tmp_path: Path
) -> None:
    stream = Silent(tmp_path / "in")
    write_file(stream.folder, 1)
    os.mkfifo(stream.folder / "pipe")
    started = time.perf_counter()
    result = pull_all(workspace, [stream], prepare, limits=Limits(deadline_seconds=0.5))[0]
    assert time.perf_counter() - started < 5
    assert result.error is not None
    assert "not done within" in result.error
    assert result.landed == 10
    assert cursor_of(workspace).value == {"file": "lines_0001.csv"}
    # Let the abandoned thread end.
    (stream.folder / "pipe").write_bytes(b"")


def test_an_interrupted_run_leaves_a_source_that_never_answers(workspace: Workspace, tmp_path: Path) -> None:
    stream = Silent(tmp_path / "in")
    write_file(stream.folder, 1)
    os.mkfifo(stream.folder / "pipe")
    # A test run that was started in the background ignores Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    interrupt = threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGINT])
    interrupt.start()
    started = time.perf_counter()
    try:
        with pytest.raises(KeyboardInterrupt):
            pull_all(workspace, [stream], prepare)
        interrupt.join()
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.perf_counter() - started < 5
    assert cursor_of(workspace) == Cursor(None, 0)
    # Let the abandoned thread end, if it has come to its pipe.
    with suppress(OSError):
        os.close(os.open(stream.folder / "pipe", os.O_WRONLY | os.O_NONBLOCK))


def test_pages_are_closed_when_the_stream_stops_before_their_end(workspace: Workspace, tmp_path: Path) -> None:
    closed = threading.Event()

    @dataclass(frozen=True)
    class Watched(Folder):
        def pages(self, cursor: dict[str, Any] | None) -> Iterator[Page]:
            try:
                yield from super().pages(cursor)
            finally:
                closed.set()

    stream = Watched(tmp_path / "in")
    write_file(stream.folder, 1, 200, bad=200)
    write_file(stream.folder, 2)
    write_file(stream.folder, 3)
    result = pull_all(workspace, [stream], prepare, limits=Limits(load_rows=100))[0]
    assert result.error is not None
    assert closed.is_set()


@dataclass(frozen=True)
class Acknowledging(Folder):
    """Notes behind each page what the ledger shows at that moment."""

    seen: list[Cursor] = field(default_factory=list)

    def pages(self, cursor: dict[str, Any] | None) -> Iterator[Page]:
        for page in super().pages(cursor):
            yield replace(page, lands_at_once=True)
            with Ledger(self.folder.parent / "mill" / "state" / "ledger.sqlite") as ledger:
                self.seen.append(ledger.cursor(self.source, self.name))


def test_behind_a_page_that_lands_at_once_its_rows_are_in_the_ledger(workspace: Workspace, tmp_path: Path) -> None:
    stream = Acknowledging(tmp_path / "in")
    keys = write_file(stream.folder, 1) | write_file(stream.folder, 2)
    result = pull_all(workspace, [stream], prepare)[0]
    assert len(result.loads) == 2
    assert stream.seen == [Cursor({"file": f"lines_000{number}.csv"}, number) for number in (1, 2)]
    assert set(keys_of(workspace)) == keys


def test_a_page_that_could_not_land_is_never_gone_on_from(workspace: Workspace, tmp_path: Path) -> None:
    stream = Acknowledging(tmp_path / "in")
    write_file(stream.folder, 1)
    write_file(stream.folder, 2, 100, bad=100)
    result = pull_all(workspace, [stream], prepare)[0]
    assert (result.landed, result.error is None) == (10, False)
    assert len(stream.seen) == 1


def test_a_preparation_that_loses_a_row_stops_the_stream(workspace: Workspace, tmp_path: Path) -> None:
    stream = Folder(tmp_path / "in")
    write_file(stream.folder, 1)

    def lossy(one: Any, page: Page) -> Prepared:
        prepared = prepare(one, page)
        return replace(prepared, good=prepared.good.head(9))

    result = pull_all(workspace, [stream], lossy)[0]
    assert result.error is not None
    assert "10 rows pulled, but 9 landed" in result.error
    assert cursor_of(workspace) == Cursor(None, 0)


def test_of_two_runs_at_once_one_lands_and_the_other_says_who_is_at_it(workspace: Workspace, tmp_path: Path) -> None:
    stream = Folder(tmp_path / "in")
    keys = set().union(*(write_file(stream.folder, number, 10) for number in range(20)))
    start = threading.Barrier(4)
    results: list[StreamResult] = []

    def run() -> None:
        start.wait()
        results.extend(pull_all(workspace, [stream], prepare, limits=Limits(load_rows=20)))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert keys_of(workspace) == sorted(keys)
    assert sum(result.landed for result in results) == len(keys)
    assert all("is locked by" in result.error for result in results if result.error)
    with stream_lock(workspace, "pos", "pos.lines"):
        locked = pull_all(workspace, [stream], prepare)[0]
    assert locked.error is not None
    assert f"pos pos.lines is locked by process {os.getpid()} since 20" in locked.error


def test_a_mapped_field_that_is_gone_is_told_beside_the_new_ones(workspace: Workspace, tmp_path: Path) -> None:
    stream = Folder(tmp_path / "in", max_quarantined_rate=1.0)
    stream.folder.mkdir()
    (stream.folder / "lines_0001.csv").write_text(
        "sale_id,line_no,sold_at,quantity\ns1,1,2026-03-01T00:00:00+00:00,2\n"
    )
    pull_all(workspace, [stream], prepare)
    with Ledger(workspace.ledger) as ledger:
        assert [load.extra_fields for load in ledger.loads()] == [("quantity", "-units")]


def test_a_mapped_field_that_disappears_stops_the_stream_before_nulls_land_in_its_place(
    workspace: Workspace, tmp_path: Path
) -> None:
    def optional_gone(one: Any, page: Page) -> Prepared:
        prepared = prepare(one, page)
        return replace(prepared, lost_fields=["discount"] if page.position > "lines_0002.csv" else [])

    stream = Folder(tmp_path / "in")
    write_file(stream.folder, 1, 100)
    assert pull_all(workspace, [stream], optional_gone)[0].error is None
    write_file(stream.folder, 3, 99)
    assert pull_all(workspace, [stream], optional_gone)[0].error is None
    write_file(stream.folder, 4, 100)
    stopped = pull_all(workspace, [stream], optional_gone)[0]
    assert stopped.error is not None
    assert "discount gone from all 100 rows; load pos.lines-pos-00000001 still had it" in stopped.error
    assert cursor_of(workspace).value == {"file": "lines_0003.csv"}
    assert pull_all(workspace, [replace(stream, max_quarantined_rate=1.0)], optional_gone)[0].landed == 100
    write_file(stream.folder, 5, 100)
    assert pull_all(workspace, [stream], optional_gone)[0].landed == 100
