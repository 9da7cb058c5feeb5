"""One pull of people in a process of its own, to be killed: says `ready`, waits for a line, pulls, says `done`."""

from __future__ import annotations

import sys
from pathlib import Path

from ingestion.pulling import Limits
from tests.ingestion.privacy.people import ingest
from tillmill.workspace import open_workspace

LIMITS = Limits(load_rows=40)


def main() -> None:
    workspace = open_workspace(Path(sys.argv[1]))
    print("ready", flush=True)
    sys.stdin.readline()
    print(next((result.error for result in ingest(workspace, LIMITS) if result.error), "done"), flush=True)


if __name__ == "__main__":
    main()
