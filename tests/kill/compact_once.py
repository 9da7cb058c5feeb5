"""One compaction in a process of its own, to be killed: says `ready`, waits for a line, compacts, says `done`."""

from __future__ import annotations

import sys
from pathlib import Path

from ingestion.landing import compaction
from ingestion.landing.ledger import Ledger
from ingestion.landing.locks import run_lock
from tillmill import upkeep
from tillmill.workspace import Workspace, open_workspace

# Many merges, so that a kill may come between two of them or within any.
TARGET_ROWS = 400


def compact(workspace: Workspace) -> upkeep.Upkeep:
    """As `tillmill lake compact` does it."""
    with run_lock(workspace), Ledger(workspace.ledger) as ledger:
        return upkeep.compact(workspace, ledger)


def main() -> None:
    import pyarrow.parquet  # noqa: F401 - its import is no part of what is killed

    compaction.TARGET_ROWS = TARGET_ROWS
    workspace = open_workspace(Path(sys.argv[1]))
    print("ready", flush=True)
    sys.stdin.readline()
    compact(workspace)
    print("done", flush=True)


if __name__ == "__main__":
    main()
