"""One change of the sealing key in a process of its own, to be killed: says `ready`, waits for a line, says `done`."""

from __future__ import annotations

import sys
from pathlib import Path

from ingestion.landing import lake
from ingestion.landing.ledger import Ledger
from ingestion.landing.locks import run_lock
from ingestion.privacy import proof, resealing
from tillmill.workspace import Workspace, open_workspace


def reseal(workspace: Workspace, *, ask: bool) -> None:
    """As a run does it; `ask` as `tillmill reseal` does."""
    with run_lock(workspace), Ledger(workspace.ledger) as ledger:
        lake.recover(workspace, ledger)
        if ask:
            resealing.ask(workspace, by="ana")
        proof.carry_out_open(workspace, ledger)
        proof.finish(workspace, ledger, version=1, removed=[])


def main() -> None:
    workspace = open_workspace(Path(sys.argv[1]))
    print("ready", flush=True)
    sys.stdin.readline()
    reseal(workspace, ask=True)
    print("done", flush=True)


if __name__ == "__main__":
    main()
