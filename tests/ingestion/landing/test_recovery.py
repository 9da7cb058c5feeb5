"""Recovery: wherever a run was cut off, its load is afterwards whole and counted, or was never there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from ingestion.landing import files, lake
from ingestion.landing.ledger import Cursor, Ledger, Load
from ingestion.landing.locks import stream_lock
from tests.ingestion.folder import AT, landed, piece
from tests.ingestion.landing.test_versions import learn
from tillmill.errors import TillmillError
from tillmill.workspace import Workspace


@dataclass(frozen=True)
class Cut:
    """A load whose spool is on disk: what a run leaves that is cut off right after writing it."""

    load: Load
    spool: Path
    target: Path
    read: Cursor


@pytest.fixture
def cut(workspace: Workspace, ledger: Ledger, land: Callable[..., Load]) -> Cut:
    """One load is visible; the next one's spool is written, with the bytes of a file a whole run would have landed."""
    land(piece(2))
    seq = ledger.reserve_load_seq()
    frame = pl.read_parquet(next(workspace.landing.rglob("*.parquet"))).with_columns(pl.lit("b").alias("sale_id"))
    target = workspace.landing / "pos.lines" / "pos" / "pos.lines-pos-00000002.parquet"
    spool = files.spool_of(target, seq)
    written = files.write_frame(frame, spool)
    load = Load(
        load_id=target.stem,
        load_seq=seq,
        source="pos",
        stream="pos.lines",
        pulled=2,
        landed=2,
        quarantined=0,
        started_at=AT,
        file=target.relative_to(workspace.root),
        bytes=written.bytes,
        sha256=written.sha256,
    )
    return Cut(load, spool, target, ledger.cursor("pos", "pos.lines"))


def record(ledger: Ledger, cut: Cut) -> None:
    ledger.record(cut.load, read=cut.read, cursor={"file": "b"})


def spools(workspace: Workspace) -> list[Path]:
    return list((workspace.root / "lake").rglob(f"*{files.SPOOL}"))


def test_a_spool_the_ledger_never_knew_is_swept(workspace: Workspace, ledger: Ledger, cut: Cut) -> None:
    recovered = lake.recover(workspace, ledger)
    assert recovered.swept == [cut.spool]
    assert spools(workspace) == []
    assert ledger.cursor("pos", "pos.lines") == cut.read
    assert landed(workspace, ledger.manifest()).height == 2


def test_a_recorded_load_is_rolled_forward_from_its_spool(workspace: Workspace, ledger: Ledger, cut: Cut) -> None:
    record(ledger, cut)
    assert landed(workspace, ledger.manifest()).height == 2
    assert lake.recover(workspace, ledger).rolled_forward == [cut.load.load_id]
    assert landed(workspace, ledger.manifest()).height == 4
    assert spools(workspace) == []
    assert lake.recover(workspace, ledger) == lake.Recovered()


def test_a_load_renamed_but_not_yet_visible_becomes_visible(workspace: Workspace, ledger: Ledger, cut: Cut) -> None:
    record(ledger, cut)
    files.put_in_place(cut.spool, cut.target)
    assert lake.recover(workspace, ledger).rolled_forward == [cut.load.load_id]
    assert landed(workspace, ledger.manifest()).height == 4


@pytest.mark.parametrize("damage", ["cut short", "a byte turned", "gone", "in place but cut short"])
def test_a_load_damaged_before_anyone_saw_it_is_taken_back_and_pulled_again(
    workspace: Workspace, ledger: Ledger, land: Callable[..., Load], cut: Cut, damage: str
) -> None:
    record(ledger, cut)
    whole = cut.spool.read_bytes()
    if damage == "gone":
        cut.spool.unlink()
    else:
        middle = len(whole) // 2
        half = whole[:middle]
        cut.spool.write_bytes(
            half + bytes([whole[middle] ^ 1]) + whole[middle + 1 :] if damage == "a byte turned" else half
        )
    if damage.startswith("in place"):
        files.put_in_place(cut.spool, cut.target)
    recovered = lake.recover(workspace, ledger)
    assert recovered.taken_back == [cut.load.load_id]
    assert ledger.cursor("pos", "pos.lines") == Cursor({"file": "a"}, 3)
    assert landed(workspace, ledger.manifest()).height == 2
    assert spools(workspace) == []
    assert not cut.target.exists()
    again = land(piece(2, file="b"))
    assert again.load_id != cut.load.load_id
    assert landed(workspace, ledger.manifest())["sale_id"].to_list() == ["a", "a", "b", "b"]


def test_a_stream_another_process_is_loading_is_left_alone(workspace: Workspace, ledger: Ledger, cut: Cut) -> None:
    record(ledger, cut)
    with stream_lock(workspace, "pos", "pos.lines"):
        assert lake.recover(workspace, ledger) == lake.Recovered()
        assert cut.spool.exists()
    assert lake.recover(workspace, ledger).rolled_forward == [cut.load.load_id]


def test_a_file_the_ledger_does_not_know_is_hidden_from_readers_and_kept(
    workspace: Workspace, ledger: Ledger, cut: Cut
) -> None:
    stranger = cut.target.with_name("pos.lines-pos-00000099.parquet")
    bytes_before = cut.spool.read_bytes()
    files.put_in_place(cut.spool, stranger)
    assert lake.recover(workspace, ledger).swept == [stranger]
    hidden = stranger.with_name(f".{stranger.name}{files.UNKNOWN}")
    assert hidden.read_bytes() == bytes_before
    assert lake.recover(workspace, ledger) == lake.Recovered()


def test_a_learnt_load_cut_off_after_its_record_is_pending_again_for_its_candidate(
    workspace: Workspace, ledger: Ledger
) -> None:
    done = learn(workspace, ledger, "c0")
    assert done.file is not None
    frame = pl.read_parquet(workspace.root / done.file)
    ledger.discard("c0")
    target = workspace.root / done.file
    spool = files.spool_of(target, 7)
    written = files.write_frame(frame, spool)
    ledger.record(
        Load(
            load_id=done.load_id,
            load_seq=7,
            source="tillmill",
            stream="customers.links",
            pulled=1,
            landed=1,
            quarantined=0,
            started_at=AT,
            file=done.file,
            bytes=written.bytes,
            sha256=written.sha256,
            candidate="c1",
        )
    )
    lake.recover(workspace, ledger)
    assert ledger.candidates() == ["c1"]
    assert learn(workspace, ledger, "c1").load_seq == 7


def test_files_of_a_discarded_candidate_that_a_kill_left_are_swept(workspace: Workspace, ledger: Ledger) -> None:
    load = learn(workspace, ledger, "c1")
    assert load.file is not None
    path = workspace.root / load.file
    left = path.read_bytes()
    ledger.discard("c1")
    path.write_bytes(left)
    assert lake.recover(workspace, ledger).swept == [path]
    assert not path.exists()


def test_a_visible_load_is_never_undone(ledger: Ledger, land: Callable[..., Load]) -> None:
    load = land(piece(1))
    with pytest.raises(TillmillError, match="is visible and cannot be undone"):
        ledger.undo(load.load_id)
