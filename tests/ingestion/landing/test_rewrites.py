"""A file that is written anew takes the old one's place whole, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from ingestion.landing import files, lake
from ingestion.landing.ledger import Ledger, Load
from ingestion.landing.rewrites import Rewrites
from tests.ingestion.folder import landed, piece
from tillmill.errors import TillmillError
from tillmill.workspace import Workspace

Land = Callable[..., Load]


def changed(workspace: Workspace, load: Load) -> pl.DataFrame:
    assert load.file is not None
    return pl.read_parquet(workspace.root / load.file).with_columns(pl.lit("new").alias("sale_id"))


def on_disk(workspace: Workspace) -> set[Path]:
    return {path.relative_to(workspace.root) for path in workspace.landing.rglob("*") if path.is_file()}


def test_readers_find_the_new_rows_under_the_same_number(workspace: Workspace, ledger: Ledger, land: Land) -> None:
    load = land(piece(3))
    assert load.file is not None
    replaced = ledger.rewrite(load.load_id, load.file, changed(workspace, load), why="forget 1", rows=2)
    [after] = ledger.loads()
    assert (after.visible_seq, after.landed, after.pulled) == (load.visible_seq, 3, 3)
    assert after.sha256 == files.sha256(workspace.root / replaced.by_file) == replaced.by_sha256
    assert replaced.sha256 == load.sha256
    assert on_disk(workspace) == {after.file}
    assert landed(workspace, ledger.manifest())["sale_id"].unique().to_list() == ["new"]
    assert ledger.replaced("forget 1") == [replaced]
    assert ledger.replaced("forget 2") == []


def test_a_file_can_be_written_anew_again(workspace: Workspace, ledger: Ledger, land: Land) -> None:
    load = land(piece(3))
    for _ in range(2):
        [load] = ledger.loads()
        assert load.file is not None
        ledger.rewrite(load.load_id, load.file, changed(workspace, load), why="w", rows=1)
    [load] = ledger.loads()
    assert on_disk(workspace) == {load.file}
    assert load.file is not None
    assert load.file.name == "pos.lines-pos-00000001~2.parquet"


def test_quarantined_rows_are_written_anew_too(workspace: Workspace, ledger: Ledger, land: Land) -> None:
    load = land(piece(1, bad=2))
    assert load.quarantine_file is not None
    frame = pl.read_parquet(workspace.root / load.quarantine_file).with_columns(pl.lit(None, pl.String).alias("raw"))
    ledger.rewrite(load.load_id, load.quarantine_file, frame, why="w", rows=2)
    [after] = ledger.loads()
    assert after.quarantine_file is not None
    assert after.quarantine_sha256 == files.sha256(workspace.root / after.quarantine_file)
    assert (after.file, after.sha256) == (load.file, load.sha256)


def test_cut_off_before_the_ledger_knows_the_old_file_stays(
    workspace: Workspace, ledger: Ledger, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = land(piece(3))
    assert load.file is not None

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Rewrites, "_replace", cut)
        with pytest.raises(KeyboardInterrupt):
            ledger.rewrite(load.load_id, load.file, changed(workspace, load), why="w", rows=1)
    assert len(on_disk(workspace)) == 2
    lake.recover(workspace, ledger)
    assert on_disk(workspace) == {load.file}
    assert ledger.loads() == [load]


def test_cut_off_after_the_ledger_knows_the_old_file_goes(
    workspace: Workspace, ledger: Ledger, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = land(piece(3))
    assert load.file is not None

    def cut(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("ingestion.landing.rewrites.files.remove", cut)
        with pytest.raises(KeyboardInterrupt):
            ledger.rewrite(load.load_id, load.file, changed(workspace, load), why="w", rows=1)
    assert len(on_disk(workspace)) == 2
    lake.recover(workspace, ledger)
    [after] = ledger.loads()
    assert on_disk(workspace) == {after.file}
    assert after.file != load.file


def test_a_file_that_is_not_the_loads_is_refused(workspace: Workspace, ledger: Ledger, land: Land) -> None:
    load = land(piece(3))
    assert load.file is not None
    with pytest.raises(TillmillError, match="has no file"):
        ledger.rewrite(load.load_id, load.file.with_name("other.parquet"), changed(workspace, load), why="w", rows=1)
    assert ledger.loads() == [load]
