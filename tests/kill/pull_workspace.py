"""One pull of a whole workspace in a process of its own, to be killed: says `ready`, waits for a line, says `done`."""

from __future__ import annotations

import sys
from pathlib import Path

from ingestion.prepare import prepare
from ingestion.privacy.tokens import load_keys
from ingestion.pulling import Limits, pull_all
from ingestion.sources import bind
from tillmill.workspace import open_workspace


def main() -> None:
    workspace = open_workspace(Path(sys.argv[1]))
    keys, streams = load_keys(workspace), bind(workspace)
    print("ready", flush=True)
    sys.stdin.readline()
    limits = Limits(load_rows=int(sys.argv[2]))
    for result in pull_all(workspace, streams, lambda stream, page: prepare(stream, page, keys), limits=limits):
        print(result.error or "done", flush=True)


if __name__ == "__main__":
    main()
