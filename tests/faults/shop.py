"""A small workspace that tests of faults run whole commands on: two streams of CSV files, and the command line."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

from ingestion.landing.ledger import Cursor, Ledger
from ingestion.privacy.tokens import create_keys
from tillmill.cli import main
from tillmill.workspace import SETTINGS_FILE, Workspace, open_workspace

SETTINGS = """
[brand]
name = "Mill"
currency = "EUR"
timezone = "UTC"
[[sources]]
name = "wms"
connector = "files"
connection = { url = "in" }
[[sources.streams]]
stream = "wms.stock"
pull = { path = "stock_*.csv", settle_seconds = 0 }
[[sources.streams]]
stream = "pos.stores"
pull = { path = "stores_*.csv", settle_seconds = 0 }
"""
ROWS = 30_000


def make_shop(root: Path, settings: str = SETTINGS) -> Workspace:
    """A workspace whose folder holds ROWS rows of stock and one store."""
    (root / "in").mkdir(parents=True)
    (root / SETTINGS_FILE).write_text(settings)
    workspace = open_workspace(root)
    for folder in workspace.folders():
        folder.mkdir(parents=True, exist_ok=True)
    create_keys(workspace)
    rows = (f"L,{os.urandom(8).hex()},-,good,-,2026-01-01,{number}" for number in range(ROWS))
    header = "location_id,sku,lot_id,quality,owner_id,as_of,on_hand_units"
    (root / "in" / "stock_1.csv").write_text("\n".join([header, *rows]) + "\n")
    (root / "in" / "stores_1.csv").write_text("store_id,name\n007,Mill Lane\n")
    return workspace


class Done(NamedTuple):
    """How a command ended, and all that it said."""

    code: int
    said: str


def tillmill(workspace: Workspace, *words: str) -> Done:
    """The command as a person types it, run in this process: its exit code and its words are those of the program."""
    told = io.StringIO()
    command = ["tillmill", *words, "--workspace", str(workspace.root)]
    with redirect_stdout(told), redirect_stderr(told), patch.object(sys, "argv", command):
        try:
            main()
        except SystemExit as ended:
            return Done(int(ended.code or 0), told.getvalue())
    return Done(0, told.getvalue())


def process(workspace: Workspace, *words: str, before: Callable[[], object] | None = None) -> subprocess.Popen[str]:
    """The command in a process of its own; `before` runs in that process first."""
    return subprocess.Popen(
        [sys.executable, "-m", "tillmill.cli", *words, "--workspace", str(workspace.root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=before,
    )


def limited(workspace: Workspace, *words: str, before: Callable[[], object]) -> Done:
    """The command in a process of its own, where `before` has taken something away."""
    with process(workspace, *words, before=before) as started:
        said, _ = started.communicate()
    return Done(started.returncode, said)


def landed_rows(workspace: Workspace) -> dict[str, int]:
    """Rows landed by stream, by the ledger."""
    with Ledger(workspace.ledger) as ledger:
        rows: dict[str, int] = {}
        for load in ledger.loads():
            rows[load.stream] = rows.get(load.stream, 0) + load.landed * (load.state == "visible")
    return rows


def cursor(workspace: Workspace, stream: str, source: str = "wms") -> Cursor:
    """The stream's cursor."""
    with Ledger(workspace.ledger) as ledger:
        return ledger.cursor(source, stream)


def files_of_lake(workspace: Workspace) -> set[str]:
    """Every file of rows in the lake, the zero-row files left out; a spool that was left behind too."""
    found = (path for lake in (workspace.landing, workspace.quarantine) for path in lake.rglob("*") if path.is_file())
    return {path.relative_to(workspace.root).as_posix() for path in found if path.name != "zero_rows.parquet"}
