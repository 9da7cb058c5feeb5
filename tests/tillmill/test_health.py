"""What the health marts are told: which fields came or went, and never a value of a person's row."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from ingestion.landing.ledger import Ledger, Load
from ingestion.runner import ingest
from tillmill.actions import create_workspace
from tillmill.health import FROZEN, Field, changed_fields, freeze
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
