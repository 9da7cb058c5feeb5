"""Small files become large ones row for row; whoever reads meanwhile, from any manifest, finds the same rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from ingestion.landing import compaction, files, lake
from ingestion.landing.ledger import Ledger, Load
from ingestion.landing.locks import stream_lock
from ingestion.landing.merges import Merges
from tests.ingestion.folder import AT, SCHEMA, landed, piece
from tests.ingestion.landing.test_versions import learn
from tillmill.errors import LockedError, TillmillError
from tillmill.workspace import Workspace, now

Land = Callable[..., Load]


def land_many(land: Land, count: int, first: int = 0) -> list[Load]:
    return [land(piece(2, file=f"f{number}")) for number in range(first, first + count)]


def compact(workspace: Workspace, ledger: Ledger) -> list[Path]:
    return [compaction.merge(workspace, ledger, one) for one in list(compaction.plan(workspace, ledger))]


def on_disk(workspace: Workspace) -> set[Path]:
    return {path.relative_to(workspace.root) for path in workspace.landing.rglob("*") if path.is_file()}


def a_day_later(monkeypatch: pytest.MonkeyPatch) -> None:
    later = now() + timedelta(days=1, seconds=1)
    monkeypatch.setattr("ingestion.landing.compaction.now", lambda: later)


def rows_after(workspace: Workspace, manifest: pl.DataFrame, seq: int) -> pl.DataFrame:
    """What staging is given that has read up to `seq`."""
    return landed(workspace, manifest.filter(pl.col("visible_seq") > seq)).sort("_load_seq", "_row")


def test_every_reader_finds_the_same_rows_wherever_it_had_got_to(
    workspace: Workspace, ledger: Ledger, land: Land
) -> None:
    loads = land_many(land, 5)
    before = ledger.manifest()
    expected = {seq: rows_after(workspace, before, seq) for seq in range(5)}
    [merged] = compact(workspace, ledger)
    after = ledger.manifest()
    assert after.drop("path").equals(before.drop("path"))
    assert set(after["path"]) == {str(workspace.root / merged)}
    for seq, rows in expected.items():
        assert rows_after(workspace, after, seq).equals(rows)
        assert rows_after(workspace, before, seq).equals(rows), "an older manifest reads on"
    assert [(load.load_id, load.visible_seq, load.landed) for load in ledger.loads()] == [
        (load.load_id, load.visible_seq, load.landed) for load in loads
    ]
    assert {load.sha256 for load in ledger.loads()} == {files.sha256(workspace.root / merged)}


def test_rows_stand_in_the_order_they_became_visible_in_columns_of_the_same_types(
    workspace: Workspace, ledger: Ledger, land: Land
) -> None:
    loads = land_many(land, 5)
    assert loads[0].file is not None
    schema = pl.read_parquet_schema(workspace.root / loads[0].file)
    [merged] = compact(workspace, ledger)
    rows = pl.read_parquet(workspace.root / merged)
    assert rows.schema == schema
    assert rows["_load_id"].to_list() == [load.load_id for load in loads for _ in range(2)]


def test_what_comes_after_a_merge_is_merged_with_it(workspace: Workspace, ledger: Ledger, land: Land) -> None:
    land_many(land, 4)
    compact(workspace, ledger)
    expected = landed(workspace, ledger.manifest())
    land_many(land, 2, first=4)
    assert compact(workspace, ledger) == [], "fewer than four files are left as they are"
    land_many(land, 1, first=6)
    [merged] = compact(workspace, ledger)
    found = landed(workspace, ledger.manifest())
    assert found.height == 14
    assert found[:8].equals(expected)
    assert {load.file for load in ledger.loads()} == {merged}


def test_files_of_another_schema_and_of_another_source_are_not_mixed(
    workspace: Workspace, ledger: Ledger, land: Land
) -> None:
    land_many(land, 4)
    wider = dict(SCHEMA) | {"note": pl.String()}
    for number in range(4):
        one = piece(2, file=f"g{number}")
        with stream_lock(workspace, "pos", "pos.lines"):
            lake.land(
                workspace,
                ledger,
                source="pos",
                stream="pos.lines",
                schema=wider,
                event="sold_at",
                pieces=[lake.Piece(one.good.with_columns(note=pl.lit("n")), one.bad, 2, one.cursor, AT)],
                read=ledger.cursor("pos", "pos.lines"),
                started_at=AT,
            )
    for number in range(4):
        land(piece(1, file=f"h{number}"), source="till")
    merged = compact(workspace, ledger)
    assert [(path.parent.name, pl.read_parquet(workspace.root / path).height) for path in merged] == [
        ("pos", 8),
        ("pos", 8),
        ("till", 4),
    ]


def test_a_file_that_is_large_enough_stays_and_no_file_grows_past_the_target(
    workspace: Workspace, ledger: Ledger, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "TARGET_ROWS", 10)
    large = land(piece(6, file="large"))
    land_many(land, 9)
    merged = compact(workspace, ledger)
    assert [pl.read_parquet(workspace.root / path).height for path in merged] == [10, 8]
    assert large in ledger.loads()


def test_many_row_groups_come_through_one_at_a_time(
    workspace: Workspace, ledger: Ledger, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "ROW_GROUP", 7)
    for number in range(5):
        land(piece(20, file=f"f{number}"))
    before = landed(workspace, ledger.manifest())
    compact(workspace, ledger)
    assert landed(workspace, ledger.manifest()).equals(before)


def test_what_one_candidate_alone_sees_and_what_is_read_alone_stay(workspace: Workspace, ledger: Ledger) -> None:
    for number in range(5):
        learn(workspace, ledger, f"c{number}", f"r{number}")
        ledger.publish(f"c{number}", f"c{number}.duckdb", "abc")
    pending = learn(workspace, ledger, "c9", "r9")
    newest = [load for load in ledger.loads() if load.state == "visible"][-1]
    [merged] = compact(workspace, ledger)
    loads = ledger.loads()
    assert newest in loads
    assert pending in loads
    assert sum(load.file == merged for load in loads) == 4
    ledger.discard("c9")
    assert landed(workspace, ledger.manifest()).height == 5


def test_old_files_go_when_a_day_has_passed_and_no_candidate_names_them(
    workspace: Workspace, ledger: Ledger, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = land_many(land, 4)
    frozen = workspace.build / "manifest.parquet"
    manifest = ledger.export_manifest(frozen)
    [merged] = compact(workspace, ledger)
    assert compaction.sweep(workspace, ledger) == 0
    a_day_later(monkeypatch)
    assert compaction.sweep(workspace, ledger) == 0, "the candidate's manifest still names them"
    assert landed(workspace, manifest).height == 8
    lake.recover(workspace, ledger)
    assert on_disk(workspace) == {merged, *(load.file for load in loads)}
    ledger.export_manifest(frozen)
    assert compaction.sweep(workspace, ledger) == 4
    assert on_disk(workspace) == {merged}
    assert ledger.merged() == []


def test_old_files_wait_a_day_where_nothing_is_built(workspace: Workspace, ledger: Ledger, land: Land) -> None:
    land_many(land, 4)
    compact(workspace, ledger)
    assert compaction.sweep(workspace, ledger) == 0
    assert compaction.sweep(workspace, ledger, at_once=True) == 4


def test_a_file_written_anew_and_then_merged_waits_like_any_other(
    workspace: Workspace, ledger: Ledger, land: Land
) -> None:
    load = land_many(land, 4)[0]
    assert load.file is not None
    frame = pl.read_parquet(workspace.root / load.file)
    anew = ledger.rewrite(load.load_id, load.file, frame, why="w", rows=1).by_file
    manifest = ledger.manifest()
    compact(workspace, ledger)
    lake.recover(workspace, ledger)
    assert anew in on_disk(workspace)
    assert landed(workspace, manifest).height == 8


def test_a_merged_file_is_written_anew_for_all_its_loads(workspace: Workspace, ledger: Ledger, land: Land) -> None:
    loads = land_many(land, 4)
    [merged] = compact(workspace, ledger)
    frame = pl.read_parquet(workspace.root / merged).with_columns(pl.lit("new").alias("sale_id"))
    anew = ledger.rewrite(loads[2].load_id, merged, frame, why="forget 1", rows=2).by_file
    assert {load.file for load in ledger.loads()} == {anew}
    assert {load.sha256 for load in ledger.loads()} == {files.sha256(workspace.root / anew)}
    assert landed(workspace, ledger.manifest())["sale_id"].to_list() == ["new"] * 8


def test_a_damaged_file_is_refused_and_nothing_changes(workspace: Workspace, ledger: Ledger, land: Land) -> None:
    loads = land_many(land, 4)
    assert loads[1].file is not None
    path = workspace.root / loads[1].file
    good = path.read_bytes()
    # A file that still reads, another one that does not, and none at all.
    other = pl.read_parquet(path).with_columns(pl.lit("other").alias("sale_id"))
    for damage in (lambda: other.write_parquet(path), lambda: path.write_bytes(good + b"x"), path.unlink):
        damage()
        with pytest.raises(TillmillError, match=r"is not the file that load pos\.lines-pos-00000002 of .* recorded"):
            compact(workspace, ledger)
    path.write_bytes(good)
    assert ledger.loads() == loads
    assert on_disk(workspace) == {load.file for load in loads}


def test_rows_that_are_not_their_loads_are_refused(workspace: Workspace, ledger: Ledger, land: Land) -> None:
    loads = land_many(land, 4)
    assert loads[1].file is not None
    short = pl.read_parquet(workspace.root / loads[1].file)[:1]
    ledger.rewrite(loads[1].load_id, loads[1].file, short, why="w", rows=1)
    before = ledger.loads()
    with pytest.raises(TillmillError, match="other rows than its loads"):
        compact(workspace, ledger)
    assert ledger.loads() == before


@pytest.mark.parametrize("moment", ["before the ledger knows", "after the ledger knows"])
def test_cut_off_anywhere_the_rows_are_there_once_and_the_next_one_finishes(
    workspace: Workspace, ledger: Ledger, land: Land, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    loads = land_many(land, 4)
    expected = landed(workspace, ledger.manifest())
    whole = Merges.merge

    def cut(self: Ledger, *given: object) -> None:
        if moment.startswith("after"):
            whole(self, *given)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Merges, "merge", cut)
        with pytest.raises(KeyboardInterrupt):
            compact(workspace, ledger)
    assert landed(workspace, ledger.manifest()).equals(expected)
    lake.recover(workspace, ledger)
    if moment.startswith("before"):
        assert on_disk(workspace) == {load.file for load in loads}
    compact(workspace, ledger)
    compaction.sweep(workspace, ledger, at_once=True)
    assert on_disk(workspace) == {ledger.loads()[0].file}
    assert landed(workspace, ledger.manifest()).equals(expected)


def test_a_stream_that_is_being_loaded_is_not_merged(workspace: Workspace, ledger: Ledger, land: Land) -> None:
    land_many(land, 4)
    with stream_lock(workspace, "pos", "pos.lines"), pytest.raises(LockedError, match="is locked"):
        compact(workspace, ledger)
