"""The demo's commands, as a person types them."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from demo import days, world
from demo.cli import app
from ingestion.sources import bind
from tillmill.errors import UsageError
from tillmill.workspace import open_workspace


def demo(*words: str) -> Result:
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


def clock(root: Path) -> datetime:
    return datetime.fromisoformat((root / "run" / "clock").read_text())


def test_init_leaves_a_workspace_whose_every_stream_is_bound(prepared: Path) -> None:
    streams = {(stream.source, stream.name) for stream in bind(open_workspace(prepared))}
    assert len(streams) == 65
    assert clock(prepared) == days.CLOCK_AT_START


def test_a_second_init_changes_nothing(workspace: Path) -> None:
    demo("advance", "3", "--workspace", str(workspace))
    before = {path: path.stat().st_mtime_ns for path in (workspace / "run" / "world").iterdir()}
    moved = clock(workspace)
    demo("init", "--workspace", str(workspace))
    assert {path: path.stat().st_mtime_ns for path in (workspace / "run" / "world").iterdir()} == before
    assert clock(workspace) == moved
    with pytest.raises(UsageError, match="holds a demo of 20 SKUs"):
        demo("init", "--workspace", str(workspace), "--skus", "7")


def test_advance_moves_whole_days_and_never_past_the_last_receipt(workspace: Path) -> None:
    demo("advance", "1", "--workspace", str(workspace))
    assert (clock(workspace) - days.CLOCK_AT_START).days == 1
    demo("advance", "900", "--workspace", str(workspace))
    assert clock(workspace) == days.LAST_RECEIPT


def test_run_ends_with_the_commands_exit_code_and_its_servers_with_it(workspace: Path) -> None:
    words = [sys.executable, "-c", "from demo.cli import app; app()", "run", "--workspace", str(workspace), "--"]
    script = "import json, pathlib, sys; sys.exit(7 if pathlib.Path(sys.argv[1]).exists() else 8)"
    done = subprocess.run(
        [*words, sys.executable, "-c", script, str(workspace / "run" / "demo.json")], capture_output=True, check=False
    )
    assert done.returncode == 7, done.stderr


def test_an_edit_changes_the_world_and_keeps_the_ones_before(workspace: Path) -> None:
    sku = world.table(workspace, "pos.sale_lines").select("PRODUCT_ID").first().collect().item()
    demo("edit", "delete-placement", sku, "--workspace", str(workspace))
    demo("edit", "double-price", sku, "2017-01-01", "--workspace", str(workspace))
    known = world.about(workspace)
    assert known is not None
    assert [change.kind for change in known.edits] == ["delete_placement", "double_price"]
    placed = world.table(workspace, "trade.placements").collect()
    assert sku not in set(placed["PRODUCT_ID"])
    demo("init", "--workspace", str(workspace))
    assert world.about(workspace) == known


def test_commands_on_a_folder_without_a_demo_name_the_next_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no demo") as error:
        demo("run", "--workspace", str(tmp_path), "--", "true")
    assert "tillmill demo init" in str(error.value)
