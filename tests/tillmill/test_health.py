"""What the health marts are told: which fields came or went, and never a value of a person's row."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from ingestion.landing.ledger import Ledger, Load
from ingestion.runner import ingest
from tillmill.actions import create_workspace
from tillmill.health import FROZEN, JUDGED_FROM_ROWS, Field, changed_fields, freeze, retyped_fields
from tillmill.workspace import StreamSettings

SETTINGS = """
[brand]
name = "Mill"
currency = "USD"
timezone = "UTC"
[[sources]]
name = "till"
connector = "files"
[sources.connection]
url = "in"
[[sources.streams]]
stream = "pos.sale_lines"
pull = { path = "*.tsv", settle_seconds = 0 }
"""
STREAM = StreamSettings(stream="pos.sale_lines", fields={"sku": "ARTICLE", "units": "PIECES"})


def at(day: int) -> datetime:
    return datetime(2017, 1, day, tzinfo=UTC)


def load(seq: int, *extra: str, pulled: int = 1) -> Load:
    """The till's load of one day."""
    counts = (pulled, pulled, 0)
    when = at(seq)
    told = {"extra_fields": extra, "visible_seq": seq, "ended_at": when}
    return Load(f"l{seq}", seq, "till", "pos.sale_lines", *counts, when, **told)  # type: ignore[arg-type]


def test_a_field_is_new_when_the_first_load_had_it_not() -> None:
    assert changed_fields(STREAM, [load(1, "colour"), load(2, "colour", "coupon"), load(3)]) == [
        Field("colour", "unmapped", "", at(1)),
        Field("coupon", "new", "", at(2)),
    ]


def test_a_lost_field_is_told_since_the_load_that_missed_it_until_it_comes_again() -> None:
    lost = [load(1), load(2, "-PIECES"), load(3, pulled=0), load(4, "-PIECES")]
    assert changed_fields(STREAM, lost) == [Field("PIECES", "lost", "units", at(2))]
    assert changed_fields(STREAM, [*lost, load(5)]) == []


ENOUGH = JUDGED_FROM_ROWS


def test_a_field_that_begins_to_hold_another_kind_is_told_with_both_and_since_when() -> None:
    loads = [load(day, pulled=ENOUGH) for day in (1, 2, 3)]
    kinds = [("ARTICLE", "text", "l2"), ("ARTICLE", "number", "l1"), ("sold_at", "date yyyy-mm-dd", "l1")]
    changed = Field("ARTICLE", "retyped", "sku", at(2), "number", "text")
    assert retyped_fields(STREAM, loads, kinds) == [changed]
    dates = [*kinds, ("sold_at", "date 00.00.yyyy", "l2"), ("sold_at", "number", "l3")]
    assert retyped_fields(STREAM, loads, dates) == [
        changed,
        Field("sold_at", "retyped", "sold_at", at(3), "date yyyy-mm-dd, date 00.00.yyyy", "number"),
    ]


def test_what_was_text_may_hold_anything_and_few_rows_are_no_rule() -> None:
    loads = [load(1, pulled=ENOUGH), load(2, pulled=ENOUGH)]
    assert retyped_fields(STREAM, loads, [("ARTICLE", "text", "l1"), ("ARTICLE", "number", "l2")]) == []
    few = [load(1, pulled=ENOUGH - 1), load(2)]
    assert retyped_fields(STREAM, few, [("ARTICLE", "number", "l1"), ("ARTICLE", "text", "l2")]) == []
    # A field that came late starts when it came.
    assert retyped_fields(STREAM, loads, [("ARTICLE", "number", "l2"), ("ARTICLE", "text", "l2")]) == []


def test_a_field_that_is_mapped_by_now_is_neither_lost_nor_new() -> None:
    assert changed_fields(STREAM, [load(1), load(2, "PIECES", "-pieces")]) == []


def test_a_personal_streams_example_is_its_place_in_the_ledger(tmp_path: Path) -> None:
    workspace = create_workspace(tmp_path, SETTINGS)
    path = tmp_path / "in" / "receipts of Ada Lovelace.tsv"
    path.parent.mkdir()
    path.write_text("sale_id\tmember_id\n\thousehold-2375\n")
    os.utime(path, (1_490_000_000, 1_490_000_000))
    ingest(workspace)
    with Ledger(workspace.ledger) as ledger:
        folder = freeze(workspace, ledger)
    told = {name: (folder / f"{name}.parquet") for name in FROZEN}
    assert all(b"Lovelace" not in file.read_bytes() and b"2375" not in file.read_bytes() for file in told.values())
    assert pl.read_parquet(told["quarantine"])["example"].to_list() == ["pos.sale_lines-till-00000001:0"]
