"""`tillmill quarantine`, as a person types it."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ingestion.landing.locks import run_lock
from ingestion.privacy.tokens import create_keys
from ingestion.runner import ingest
from tillmill.cli import app
from tillmill.display import commonest, tell_quarantine
from tillmill.errors import LockedError, UsageError
from tillmill.workspace import SETTINGS_FILE, open_workspace

SETTINGS = """
[brand]
name = "Mill"
currency = "USD"
timezone = "UTC"
[[sources]]
name = "wms"
connector = "files"
[sources.connection]
url = "in"
[[sources.streams]]
stream = "wms.stock"
pull = { path = "*.csv", settle_seconds = 0 }
[[sources.streams]]
stream = "pos.sale_lines"
pull = { path = "*.tsv", settle_seconds = 0 }
"""
STOCK = """location_id,sku,lot_id,quality,owner_id,as_of,on_hand_units
L1,00123,[red]A,good,own,2017-01-02,many
L1,00123,B,good,own,2017-01-02,5
"""
LOAD = "wms.stock-wms-00000001"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / SETTINGS_FILE).write_text(SETTINGS)
    for name, text in (("stock.csv", STOCK), ("lines.tsv", "sale_id,member_id\n,household-2375\n")):
        path = tmp_path / "in" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        os.utime(path, (1_490_000_000, 1_490_000_000))
    workspace = open_workspace(tmp_path)
    create_keys(workspace)
    ingest(workspace)
    return tmp_path


def tillmill(root: Path, *words: str) -> str:
    done = CliRunner().invoke(app, ["quarantine", *words, "--workspace", str(root)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_from_list_to_show_to_fix_each_says_what_to_type_next(root: Path) -> None:
    listed = tillmill(root, "list")
    assert "Next: tillmill quarantine show wms pos.sale_lines" in listed
    reasons = json.loads(tillmill(root, "list", "--json"))["reasons"]
    assert [(told["stream"], told["rows"], told["example"]) for told in reasons] == [
        ("pos.sale_lines", 1, "lines.tsv:2"),
        ("wms.stock", 1, "stock.csv:2"),
    ]
    shown = tillmill(root, "show", "wms", "wms.stock")
    assert f"{LOAD}:0" in shown
    assert "stock.csv:2: on_hand_units is not a number that fits" in shown
    # A source's text is text, whatever it looks like.
    assert '"lot_id": "[red]A"' in shown
    fixed = tillmill(root, "fix", "--row", f"{LOAD}:0", "--set", "on_hand_units=7", "--author", "ada")
    assert "1 row changed: on_hand_units in 1" in fixed
    assert "wms wms.stock: 1 open, 1 landed, 0 stay" in fixed
    assert "Next: tillmill run" in fixed
    assert json.loads(tillmill(root, "list", "--json"))["reasons"][0]["stream"] == "pos.sale_lines"


def test_a_line_that_could_not_be_read_goes_out_in_parts_and_comes_back_in_its_fields(root: Path) -> None:
    path = root / "in" / "more.csv"
    path.write_text(STOCK.splitlines()[0] + "\nL2,00456,C,good,own,2017-01-03,7,8\n")
    os.utime(path, (1_490_000_000, 1_490_000_000))
    ingest(open_workspace(root), streams=["wms.stock"])
    out = root / "open.csv"
    tillmill(root, "show", "wms", "wms.stock", "--out", str(out))
    header, first, line = csv.reader(out.read_text(encoding="utf-8-sig").splitlines())
    assert header[4:12] == [f"tillmill part {place}" for place in range(1, 9)]
    assert line[4:12] == ["L2", "00456", "C", "good", "own", "2017-01-03", "7", "8"]
    assert {"location_id", "sku", "on_hand_units"} <= set(header[12:])
    assert (first[4:12], set(line[12:])) == ([""] * 8, {""})
    # Untouched it changes nothing: its parts are no fields.
    assert "0 rows changed" in tillmill(root, "fix", str(out))
    told = dict(zip(header, line, strict=True))
    told |= {"location_id": "L2", "sku": "00456", "lot_id": "C", "quality": "good", "owner_id": "own"}
    told |= {"as_of": "2017-01-03", "on_hand_units": "7"}
    with out.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, list(told.values())])
    assert "wms wms.stock: 2 open, 1 landed, 1 stay" in tillmill(root, "fix", str(out))


def test_a_stream_with_personal_fields_shows_nothing_clear_unless_asked(root: Path) -> None:
    assert "household" not in tillmill(root, "show", "wms", "pos.sale_lines")
    with pytest.raises(UsageError, match="1 of these 1 rows are or may be personal: they are sealed"):
        tillmill(root, "show", "wms", "pos.sale_lines", "--out", str(root / "open.csv"))
    assert not (root / "open.csv").exists()
    assert "household-2375" in tillmill(root, "show", "wms", "pos.sale_lines", "--unseal")


def test_rows_go_out_as_a_file_and_come_back_mended(root: Path) -> None:
    path = root / "open.csv"
    assert f"Next: tillmill quarantine fix {path}" in tillmill(root, "show", "wms", "wms.stock", "--out", str(path))
    path.write_text(path.read_text(encoding="utf-8-sig").replace("many", "7"), encoding="utf-8-sig")
    assert "1 landed, 0 stay" in tillmill(root, "fix", str(path))
    assert tillmill(root, "replay", "wms", "wms.stock").startswith("Nothing of wms wms.stock is open in quarantine")


@pytest.mark.parametrize(
    "words", [[], ["--row", f"{LOAD}:0"], ["--row", LOAD, "--set", "a=b"], ["--row", f"{LOAD}:9", "--set", "a=b"]]
)
def test_half_a_fix_is_refused(root: Path, words: list[str]) -> None:
    with pytest.raises(UsageError):
        tillmill(root, "fix", *words)


def test_a_run_says_why_rows_went_to_quarantine(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    (root / "in" / "more.csv").write_text(STOCK.replace("many", "a few"))
    results = ingest(open_workspace(root))
    tell_quarantine(Console(), results)
    said = capsys.readouterr().out
    assert "wms wms.stock: 1 row to quarantine: 1 × on_hand_units is not a number that fits" in said
    assert "Next: tillmill quarantine list" in said


def test_the_three_commonest_reasons_are_told_and_the_rest_counted() -> None:
    from collections import Counter

    assert commonest(Counter({"a": 4, "b": 3, "c": 2, "d": 1, "e": 1})) == "4 × a; 3 × b; 2 × c; 2 for other reasons"


def test_where_nothing_is_open_the_stream_is_named(root: Path) -> None:
    for words in (("show",), ("replay",)):
        assert "Nothing of wms wms.stock is open in quarantine." not in tillmill(root, *words, "wms", "wms.stock")
    tillmill(root, "fix", "--row", f"{LOAD}:0", "--set", "on_hand_units=7")
    for words in (("show",), ("replay",)):
        assert "Nothing of wms wms.stock is open in quarantine." in tillmill(root, *words, "wms", "wms.stock")
    assert "pos.sale_lines" in tillmill(root, "list")


def test_a_row_is_set_aside_listed_and_taken_back(root: Path) -> None:
    assert "No row is dismissed." in tillmill(root, "list", "--dismissed")
    said = tillmill(root, "dismiss", "--row", f"{LOAD}:0", "--why", "a [red]total", "--author", "ana")
    assert "1 row dismissed, and kept in quarantine" in said
    assert "wms.stock" not in tillmill(root, "list")
    assert "a [red]total" in tillmill(root, "list", "--dismissed")
    [told] = json.loads(tillmill(root, "list", "--dismissed", "--json"))["rows"]
    assert (told["row"], told["why"], told["author"]) == (f"{LOAD}:0", "a [red]total", "ana")
    assert "1 row open again" in tillmill(root, "reopen", "--row", f"{LOAD}:0")
    reason = "on_hand_units is not a number that fits"
    assert "1 row dismissed" in tillmill(root, "dismiss", "wms", "wms.stock", "--reason", reason, "--why", "a test")


@pytest.mark.parametrize(
    "words", [(), ("--row", f"{LOAD}:0", "--reason", "x"), ("wms", "--reason", "x"), ("--row", f"{LOAD}:0")]
)
def test_half_a_dismissal_is_refused(root: Path, words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        tillmill(root, "dismiss", *words)


def test_what_is_said_during_a_run_is_kept_and_the_error_says_so(root: Path) -> None:
    words = ["quarantine", "fix", "--row", f"{LOAD}:0", "--set", "on_hand_units=7", "--workspace", str(root)]
    with run_lock(open_workspace(root)), pytest.raises(LockedError) as locked:
        CliRunner().invoke(app, words, catch_exceptions=False)
    assert "is kept" in locked.value.state
    assert locked.value.next_command.endswith("tillmill quarantine replay")
    assert "1 open, 1 landed, 0 stay" in tillmill(root, "replay", "wms", "wms.stock")
