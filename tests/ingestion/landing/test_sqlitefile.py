"""Opening a file of the workspace's state: it waits for others, in whatever state a killed process left it."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

from ingestion.landing.ledger import Ledger


def test_a_file_not_yet_made_waits_for_whoever_clears_up_after_a_killed_process(tmp_path: Path) -> None:
    path = tmp_path / "state" / "ledger.sqlite"
    path.parent.mkdir()
    # SQLite takes this lock of an empty file to remove the journal of a process that was killed as it made the file.
    clearing = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    clearing.execute("begin immediate")
    done = threading.Timer(0.2, clearing.execute, ["commit"])
    done.start()
    with Ledger(path) as ledger:
        assert ledger.loads() == []
    done.join()
    clearing.close()
