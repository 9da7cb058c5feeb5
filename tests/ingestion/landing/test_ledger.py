"""The ledger: no row unaccounted for, no cursor moved twice, no load skipped by whoever reads by visible_seq."""

from __future__ import annotations

import sqlite3
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.landing import lake
from ingestion.landing.ledger import MANIFEST, Cursor, CursorMovedError, Ledger, Load
from tests.ingestion.folder import AT, piece
from tillmill.errors import ContractError, TillmillError
from tillmill.workspace import Workspace


def a_load(ledger: Ledger, name: str, *, source: str = "pos", candidate: str | None = None, landed: int = 3) -> Load:
    return Load(
        load_id=name,
        load_seq=ledger.reserve_load_seq(),
        source=source,
        stream="pos.lines",
        pulled=landed,
        landed=landed,
        quarantined=0,
        started_at=AT,
        file=Path(f"lake/landing/pos.lines/{source}/{name}.parquet") if landed else None,
        sha256="0" * 64,
        candidate=candidate,
    )


def test_a_load_that_lost_a_row_is_refused_and_moves_no_cursor(ledger: Ledger) -> None:
    lossy = replace(a_load(ledger, "one"), pulled=4)
    with pytest.raises(ContractError, match="4 rows pulled, but 3 landed and 0 quarantined"):
        ledger.record(lossy, read=Cursor(None, 0), cursor={"file": "a"})
    assert ledger.cursor("pos", "pos.lines") == Cursor(None, 0)
    assert ledger.loads() == []


def test_a_cursor_moves_only_if_it_is_still_the_one_that_was_read(ledger: Ledger) -> None:
    ledger.record(a_load(ledger, "one"), read=Cursor(None, 0), cursor={"file": "a"})
    for stale in (Cursor(None, 0), Cursor({"file": "a"}, 2)):
        with pytest.raises(CursorMovedError, match="another run has moved the cursor"):
            ledger.record(a_load(ledger, "two"), read=stale, cursor={"file": "b"})
    assert ledger.cursor("pos", "pos.lines") == Cursor({"file": "a"}, 1)
    assert [load.load_id for load in ledger.loads()] == ["one"]
    ledger.record(a_load(ledger, "two"), read=Cursor({"file": "a"}, 1), cursor={"file": "商品"})
    assert ledger.cursor("pos", "pos.lines") == Cursor({"file": "商品"}, 2)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_reader_by_visible_seq_sees_every_load_once_however_late_it_became_visible(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder, Ledger(Path(folder) / "state" / "ledger.sqlite") as ledger:
        sources = [f"s{number}" for number in range(data.draw(st.integers(1, 6)))]
        for source in sources:
            ledger.record(a_load(ledger, source, source=source), read=Cursor(None, 0), cursor={})
        read: list[str] = []
        seen = 0
        for source in data.draw(st.permutations(sources)):
            ledger.mark_visible(source)
            if data.draw(st.booleans()):
                new = ledger.manifest().filter(pl.col("visible_seq") > seen)
                read += new["load_id"].to_list()
                seen = max([seen, *new["visible_seq"]])
        read += ledger.manifest().filter(pl.col("visible_seq") > seen)["load_id"].to_list()
        assert sorted(read) == sources


def test_a_load_begun_first_and_visible_last_comes_after_what_was_read_meanwhile(ledger: Ledger) -> None:
    ledger.record(a_load(ledger, "slow", source="shop_a"), read=Cursor(None, 0), cursor={})
    ledger.record(a_load(ledger, "quick", source="shop_b"), read=Cursor(None, 0), cursor={})
    quick = ledger.mark_visible("quick")
    slow = ledger.mark_visible("slow")
    assert slow.load_seq < quick.load_seq
    assert quick.visible_seq is not None
    assert ledger.manifest().filter(pl.col("visible_seq") > quick.visible_seq)["load_id"].to_list() == ["slow"]
    assert ledger.mark_visible("slow") == slow


def test_the_manifest_names_visible_loads_and_zero_row_files_in_the_agreed_columns(
    workspace: Workspace, ledger: Ledger, land: Callable[..., Load]
) -> None:
    lake.write_empty_files(workspace)
    load = land(replace(piece(3, bad=2), extra_fields=("colour", "coupon")))
    only_bad = land(piece(0, bad=2, file="b"))
    ledger.record(a_load(ledger, "unfinished", source="other"), read=Cursor(None, 0), cursor={})
    path = workspace.build / "manifest.parquet"
    ledger.export_manifest(path)
    manifest = pl.read_parquet(path)
    assert manifest.schema == MANIFEST
    rows = manifest.filter(pl.col("visible_seq") > 0).to_dicts()
    assert [row["load_id"] for row in rows] == [load.load_id, only_bad.load_id]
    assert rows[0] | {"ended_at": None} == {
        "load_id": "pos.lines-pos-00000001",
        "stream": "pos.lines",
        "source": "pos",
        "visible_seq": 1,
        "path": str(workspace.landing / "pos.lines" / "pos" / "pos.lines-pos-00000001.parquet"),
        "pulled": 5,
        "landed": 3,
        "quarantined": 2,
        "started_at": AT,
        "ended_at": None,
        "watermark_at": AT.replace(second=2),
        "extra_fields": "colour,coupon",
    }
    assert rows[1]["path"] is None
    empty = manifest.filter(pl.col("visible_seq") == 0)
    assert empty["load_id"].unique().to_list() == ["-"]
    assert all(pl.read_parquet(path).is_empty() for path in empty["path"])
    assert list(path.parent.iterdir()) == [path]


def test_threads_that_open_a_new_ledger_at_once_get_numbers_of_their_own(tmp_path: Path) -> None:
    numbers: list[int] = []
    start = threading.Barrier(8)

    def take() -> None:
        start.wait()
        with Ledger(tmp_path / "state" / "ledger.sqlite") as ledger:
            numbers.extend(ledger.reserve_load_seq() for _ in range(5))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 41))


def test_every_commit_is_on_disk_before_the_next_step(ledger: Ledger) -> None:
    with ledger.transaction() as connection:
        assert connection.execute("pragma synchronous").fetchone()[0] == 2
        assert connection.execute("pragma journal_mode").fetchone()[0] == "wal"


def test_a_ledger_of_a_newer_tillmill_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "ledger.sqlite"
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("pragma user_version = 99")
    connection.close()
    with pytest.raises(TillmillError, match="schema version 99"):
        Ledger(path)


def test_a_file_that_is_no_ledger_is_named(tmp_path: Path) -> None:
    path = tmp_path / "state" / "ledger.sqlite"
    path.parent.mkdir()
    path.write_bytes(b"not a database, whatever the name says" * 50)
    with pytest.raises(TillmillError, match=r"ledger\.sqlite: file is not a database"):
        Ledger(path)


def test_a_build_depends_on_the_sources_loads_and_not_on_what_was_learnt(ledger: Ledger) -> None:
    ledger.record(a_load(ledger, "one"), read=Cursor(None, 0), cursor={})
    ledger.mark_visible("one")
    before = ledger.input_seqs()
    ledger.record(a_load(ledger, "learnt", source="tillmill", candidate="c1"))
    ledger.mark_visible("learnt")
    ledger.publish("c1", "c1.duckdb", "0")
    assert ledger.input_seqs() == before == {"pos pos.lines": 1}
