"""Quarantine: a bad row is kept with its place, its reason and its raw form, as durably as the good ones."""

from __future__ import annotations

import json
from collections.abc import Callable

import polars as pl

from ingestion.landing import quarantine
from ingestion.landing.ledger import Ledger, Load
from tests.ingestion.folder import piece
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
    }


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
