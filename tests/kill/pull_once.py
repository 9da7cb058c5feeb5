"""One pull in a process of its own, to be killed: says `ready`, waits for a line, pulls, says `done`."""

from __future__ import annotations

import sys
from pathlib import Path

from ingestion.pulling import Limits, pull_all
from tests.ingestion.folder import Folder, prepare
from tillmill.workspace import open_workspace

LIMITS = Limits(load_rows=100)


def main() -> None:
    workspace, folder = open_workspace(Path(sys.argv[1])), Path(sys.argv[2])
    print("ready", flush=True)
    sys.stdin.readline()
    for result in pull_all(workspace, [Folder(folder)], prepare, limits=LIMITS):
        print(result.error or "done", flush=True)


if __name__ == "__main__":
    main()
