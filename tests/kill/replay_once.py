"""One replay in a process of its own, to be killed: says `ready`, waits for a line, replays, says `done`."""

from __future__ import annotations

import sys
from pathlib import Path

from ingestion import replay
from ingestion.mending import replay_open
from tillmill.workspace import open_workspace

replay.LOAD_ROWS = 20


def main() -> None:
    workspace = open_workspace(Path(sys.argv[1]))
    print("ready", flush=True)
    sys.stdin.readline()
    replay_open(workspace)
    print("done", flush=True)


if __name__ == "__main__":
    main()
