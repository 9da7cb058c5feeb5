"""The demo's first run: seconds from the first pull to the hand-over, against the 150 s that a newcomer is promised."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.report import Figure, report

LIMIT_SECONDS = 150
COMMAND = "make bench-pipeline"
TILLMILL = [sys.executable, "-m", "tillmill.cli"]


def main() -> None:
    """Sets up the demo in a folder of its own, runs it once, and reports each step's seconds (QUICK=1: 20 SKUs)."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = str(Path(folder) / "workspace")
        cut = ["--skus", "20"] if os.environ.get("QUICK") else []
        subprocess.run([*TILLMILL, "demo", "init", "--workspace", workspace, *cut], check=True)
        run = [*TILLMILL, "run", "--workspace", workspace]
        subprocess.run([*TILLMILL, "demo", "run", "--workspace", workspace, "--", *run], check=True)
        seconds = json.loads((Path(workspace) / "logs" / "last_run.json").read_text())["seconds"]
    limit = {"unit": "s", "better": "lower", "peer": "limit", "command": COMMAND}
    total = Figure("first run of the demo", value=sum(seconds.values()), peer_value=LIMIT_SECONDS, **limit)
    share = {"unit": "of the run", "better": "lower", "peer": "the whole run", "peer_value": 1.0, "command": COMMAND}
    steps = [Figure(f"step {name}", value=took / total.value, **share) for name, took in seconds.items()]
    report("pipeline", [total, *steps])


if __name__ == "__main__":
    main()
