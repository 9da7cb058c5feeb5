"""One pull of the workspace's source in a process of its own, to be killed."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.faults.plant import pull
from tillmill.workspace import open_workspace

if __name__ == "__main__":
    pull(open_workspace(Path(sys.argv[1])))
