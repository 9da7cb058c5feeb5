"""Status is readable at 80 columns, and says which mapped fields never came and which unknown ones did."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ingestion.runner import ingest
from tillmill.account import fields_line, show_fields, show_status
from tillmill.actions import create_workspace
from tillmill.health import mapped_fields
from tillmill.status import status
from tillmill.workspace import SETTINGS_FILE, StreamSettings, Workspace, open_workspace

SETTINGS = """
[brand]
name = "My brand"
currency = "EUR"
timezone = "Europe/Berlin"

[[sources]]
name = "tills_of_the_north_west"
connector = "files"
timezone = "Europe/Berlin"
[sources.connection]
url = "incoming"
[[sources.streams]]
stream = "pos.sale_lines"
max_quarantined_rate = 1.0
pull = { path = "receipts-*.csv" }
[sources.streams.fields]
sale_id = "receipt"
line_no = "line"
store_id = "shop"
sold_at = "time"
sku = "ARTICLE"
units = "pieces"
net_amount = "amount"
line_kind = { expr = "case when cast(peices as double) < 0 then 'return' else 'sale' end" }
"""
HEADING = "receipt,line,shop,time,article,pieces,amount,colour\n"


def write(workspace: Workspace, number: int, rows: int) -> None:
    lines = [f"R-{number}{row},1,014,2026-11-02 09:14:05,4006381333931,2,5.98,red\n" for row in range(rows)]
    (workspace.root / "incoming" / f"receipts-{number}.csv").write_text(HEADING + "".join(lines))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = create_workspace(tmp_path / "my-brand", SETTINGS)
    (made.root / "incoming").mkdir()
    write(made, 1, 3)
    assert [result.error for result in ingest(made)] == [None]
    return made


def shown(workspace: Workspace, width: int) -> str:
    out = io.StringIO()
    show_status(status(workspace), Console(file=out, width=width))
    return out.getvalue()


def stream_of(workspace: Workspace) -> dict[str, Any]:
    (stream,) = status(workspace)["streams"]
    return dict(stream)


@pytest.mark.parametrize("width", [80, 109, 110, 200])
def test_the_table_fits_its_width_and_cuts_no_name(workspace: Workspace, width: int) -> None:
    table = shown(workspace, width).split("1 stream:")[0].splitlines()[1:]
    assert max(len(line.rstrip()) for line in table) <= width
    assert "…" not in "".join(table)
    # A folded name is whole when the lines of its column are put together.
    columns = [re.split(r"\s{2,}", line.strip()) for line in table[2:]]
    assert "".join(line[0] for line in columns).startswith("tills_of_the_north_west")
    assert "pos.sale_lines" in "".join("".join(line) for line in columns)


def test_every_row_is_accounted_for_in_words(workspace: Workspace) -> None:
    assert "1 stream: 3 rows pulled = 0 landed + 3 quarantined; all accounted for" in shown(workspace, 80)
    found = status(workspace)
    found["streams"][0] |= {"quarantined": 1, "is_accounted": False}
    out = io.StringIO()
    show_status(found, Console(file=out, width=80))
    assert "3 rows pulled = 0 landed + 1 quarantined; 2 have no place" in out.getvalue()
    assert "NOT all accounted for" in out.getvalue()


def test_a_mapped_field_that_never_came_and_unknown_ones_that_did_are_told_in_one_line(workspace: Workspace) -> None:
    stream = stream_of(workspace)
    assert stream["missing_fields"] == {"ARTICLE": "sku", "peices": "line_kind"}
    assert stream["unknown_fields"] == ["article", "colour"]
    assert fields_line(stream) == (
        "tills_of_the_north_west pos.sale_lines: no such field came: ARTICLE (for sku; is it article?), "
        "peices (for line_kind); unmapped, kept in _extra: article, colour"
    )
    text = shown(workspace, 80)
    assert fields_line(stream) in text, "a line is not broken, so that it can be searched for"
    assert f"Next: mend them in {workspace.root / SETTINGS_FILE}, then: tillmill run --workspace" in text


def test_a_mended_mapping_is_not_held_against_the_stream(workspace: Workspace) -> None:
    path = workspace.root / SETTINGS_FILE
    path.write_text(SETTINGS.replace("ARTICLE", "article").replace("peices", "pieces"))
    mended = open_workspace(workspace.root)
    stream = stream_of(mended)
    assert (stream["missing_fields"], stream["unknown_fields"], stream["new_fields"]) == ({}, ["colour"], [])
    assert "colour" not in shown(mended, 80), "it came unmapped from the start, and was told then"


def test_what_unused_names_is_no_longer_told_as_unmapped(workspace: Workspace) -> None:
    path = workspace.root / SETTINGS_FILE
    path.write_text(SETTINGS.replace("[sources.streams.fields]", 'unused = ["col*"]\n[sources.streams.fields]'))
    assert stream_of(open_workspace(workspace.root))["unknown_fields"] == ["article"]


def test_what_comes_unmapped_is_told_once_by_the_run_that_brings_it_first(tmp_path: Path) -> None:
    mended = SETTINGS.replace("ARTICLE", "article").replace("peices", "pieces")
    made = create_workspace(tmp_path / "my-brand", mended)
    (made.root / "incoming").mkdir()

    def run(extra: str) -> str:
        number = len(list((made.root / "incoming").glob("*.csv"))) + 1
        header = f"receipt,line,shop,time,article,pieces,amount{extra}"
        row = f"R-{number},1,014,2026-11-03 09:14:05,40063,2,5.98{',red' * extra.count(',')}"
        (made.root / "incoming" / f"receipts-{number}.csv").write_text(f"{header}\n{row}\n")
        os.utime(made.root / "incoming" / f"receipts-{number}.csv", (1_700_000_000, 1_700_000_000))
        [result] = ingest(made)
        assert (result.landed, result.error) == (1, None)
        out = io.StringIO()
        show_fields(status(made, news_of=result.loads), Console(file=out, width=80))
        return out.getvalue()

    assert "new, unmapped, kept in _extra: colour\n" in (said := run(",colour"))
    assert "Next: to use them, name them in" in said
    assert "tillmill.toml (or in unused, to hear no more of them), then: tillmill run" in said
    assert run(",colour") == ""
    assert "new, unmapped, kept in _extra: size\n" in run(",colour,size")
    assert run(",size") == ""
    assert "new, unmapped, kept in _extra: size\n" in shown(made, 80), "what came later stays news at status"


def test_a_field_that_came_at_last_is_no_longer_missed(workspace: Workspace) -> None:
    path = workspace.root / "incoming" / "receipts-2.csv"
    path.write_text("receipt,line,shop,time,ARTICLE,pieces,amount\nR-9,1,014,2026-11-03 09:14:05,40063,2,5.98\n")
    ingest(workspace)
    assert stream_of(workspace)["missing_fields"] == {"peices": "line_kind"}
    write(workspace, 3, 1)
    ingest(workspace)
    assert stream_of(workspace)["missing_fields"] == {"peices": "line_kind"}


def test_the_fields_of_every_kind_of_rule_are_known() -> None:
    rules = {
        "sku": "article",
        "channel": {"const": "store"},
        "net_amount": {"field": "cents", "scale": 0.01},
        "line_no": {"position": "row"},
        "units": {"expr": "cast(pieces as double) * cast(packs as double)"},
        "gross_amount": {"expr": "cast(("},
    }
    found = mapped_fields(StreamSettings(stream="pos.sale_lines", fields=rules))
    assert found == {"article": "sku", "cents": "net_amount", "pieces": "units", "packs": "units"}


def test_nothing_to_say_is_nothing_said() -> None:
    well = {"missing_fields": {}, "unknown_fields": ["colour"], "new_fields": []}
    assert fields_line({"source": "till", "stream": "pos.sale_lines"} | well) == ""


def test_a_run_says_at_once_which_mapped_field_did_not_come(workspace: Workspace) -> None:
    words = [sys.executable, "-m", "tillmill.cli", "run", "--only", "ingest", "--workspace", str(workspace.root)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0
    assert fields_line(stream_of(workspace)) in done.stdout
    mended = SETTINGS.replace("ARTICLE", "article").replace("peices", "pieces")
    (workspace.root / SETTINGS_FILE).write_text(mended)
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert "colour" not in done.stdout, "what is only kept is for status to tell"
