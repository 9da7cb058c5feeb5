"""Quarantine: a bad row is kept with its place, its reason and its raw form, as durably as the good ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from ingestion.landing import lake, quarantine
from ingestion.landing.ledger import CursorMovedError, Ledger, Load, Place
from tests.ingestion.folder import AT, SCHEMA, landed, piece
from tillmill.workspace import Workspace


def test_bad_rows_are_kept_with_place_reason_and_raw_form(workspace: Workspace, land: Callable[..., Load]) -> None:
    load = land(piece(1, bad=1, file="lines_2026-03-01.csv"))
    row = quarantine.rows(workspace).to_dicts()[0]
    assert json.loads(row.pop("raw"))["units"] == "many"
    assert row == {
        "stream": "pos.lines",
        "source": "pos",
        "load_id": load.load_id,
        "row": 1,
        "position": "lines_2026-03-01.csv",
        "field": "units",
        "reason": "not a number",
        "file": None,
        "line": 2,
        "observed_at": None,
        "op": None,
        "extracted_at": AT,
    }


def test_a_file_of_an_older_tillmill_is_read_with_what_it_has(workspace: Workspace, land: Callable[..., Load]) -> None:
    load = land(piece(1, bad=2, file="2026/lines.csv:17"))
    assert load.quarantine_file is not None
    path = workspace.root / load.quarantine_file
    pl.read_parquet(path).drop("file", "line", "observed_at", "op", "extracted_at").write_parquet(path)
    found = quarantine.rows(workspace)
    assert found.select("file", "line", "observed_at").unique().rows() == [("2026/lines.csv", 17, None)]
    assert found["extracted_at"].to_list() == [load.started_at] * 2


def test_rows_that_were_replayed_are_no_longer_open(
    workspace: Workspace, ledger: Ledger, land: Callable[..., Load]
) -> None:
    load = land(piece(1, bad=2))
    mended = piece(1).good.with_columns(_row=pl.lit(2, pl.Int64))
    replayed = lake.land_replay(
        workspace, ledger, source="pos", stream="pos.lines", schema=SCHEMA, event="sold_at", started_at=AT,
        pieces=[(load, lake.Piece(mended, pl.DataFrame(), 0, {}, AT))],
    )  # fmt: skip
    assert [(load.load_id, rows["row"].to_list()) for load, rows in quarantine.open_rows(workspace, ledger)] == [
        (load.load_id, [1])
    ]
    assert (replayed.pulled, replayed.landed, replayed.quarantined) == (0, 1, -1)
    assert ledger.replayed(load.load_id) == {2: replayed.load_id}
    assert ledger.replay_of(replayed.load_id) == [Place(load.load_id, 2)]
    totals = ledger.manifest().select(pl.col("pulled", "landed", "quarantined").sum()).row(0)
    assert totals == (3, 2, 1)
    assert quarantine.rows(workspace).height == 2


def test_a_quarantined_row_is_landed_once_whoever_comes_second(
    workspace: Workspace, ledger: Ledger, land: Callable[..., Load]
) -> None:
    load = land(piece(1, bad=2))
    mended = lake.Piece(piece(1).good.with_columns(_row=pl.lit(2, pl.Int64)), pl.DataFrame(), 0, {}, AT)
    for_replay: dict[str, Any] = {
        "source": "pos", "stream": "pos.lines", "schema": SCHEMA, "event": "sold_at", "started_at": AT,
        "pieces": [(load, mended)],
    }  # fmt: skip
    lake.land_replay(workspace, ledger, **for_replay)
    with pytest.raises(CursorMovedError, match="another replay has landed"):
        lake.land_replay(workspace, ledger, **for_replay)
    assert landed(workspace, ledger.manifest()).height == 2
    assert not list(workspace.landing.rglob("*.spool"))


def test_a_record_with_two_reasons_is_one_quarantined_row(workspace: Workspace, land: Callable[..., Load]) -> None:
    one = piece(2, bad=1)
    two_reasons = pl.concat([one.bad, one.bad.with_columns(field=pl.lit("sold_at"))])
    load = land(type(one)(one.good, two_reasons, one.pulled, one.cursor, one.extracted_at))
    assert (load.pulled, load.landed, load.quarantined) == (3, 2, 1)
    assert quarantine.rows(workspace)["field"].to_list() == ["units", "sold_at"]


def test_rows_are_narrowed_to_what_is_named(workspace: Workspace, ledger: Ledger, land: Callable[..., Load]) -> None:
    assert quarantine.rows(workspace).schema == quarantine.QUARANTINE
    first = land(piece(0, bad=1))
    land(piece(0, bad=2, file="b"), source="other")
    assert quarantine.rows(workspace).height == 3
    assert quarantine.rows(workspace, source="other").height == 2
    assert quarantine.rows(workspace, load_id=first.load_id).height == 1
    assert quarantine.rows(workspace, stream="pos.stores").height == 0
