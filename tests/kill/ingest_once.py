"""A pull of a workspace's own sources, to be killed: says `ready`, waits for a line, pulls, says `done`.

`python -m tests.kill.ingest_once WORKSPACE [ROWS [afresh]]`: in loads of so many rows; from the sources' start.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from ingestion.connectors.page import Page
from ingestion.prepare import Prepared, prepare
from ingestion.privacy.tokens import load_keys
from ingestion.pulling import Limits, StreamResult, pull_all
from ingestion.sources import bind
from tillmill.workspace import Workspace, open_workspace

ROWS = 100


def pull(workspace: Workspace, load_rows: int = ROWS, *, afresh: bool = False) -> list[StreamResult]:
    """Every stream of the workspace file, in small loads; from its start where `afresh`."""
    keys = load_keys(workspace)

    def prepared(stream: Any, page: Page) -> Prepared:
        return prepare(stream, page, keys)

    streams = [replace(stream, is_afresh=afresh) for stream in bind(workspace)]
    return pull_all(workspace, streams, prepared, limits=Limits(load_rows=load_rows))


def main() -> None:
    workspace = open_workspace(Path(sys.argv[1]))
    print("ready", flush=True)
    sys.stdin.readline()
    load_rows = int(sys.argv[2]) if len(sys.argv) > 2 else ROWS
    for result in pull(workspace, load_rows, afresh="afresh" in sys.argv[3:]):
        print(result.error or "done", flush=True)


if __name__ == "__main__":
    main()
