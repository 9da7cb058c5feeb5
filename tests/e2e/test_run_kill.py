"""A whole run is killed at a random moment; the next one publishes what an undisturbed run would have published."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.e2e.compare import differences
from tests.e2e.conftest import TILLMILL, published, run_demo, status

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]

KILLS = int(os.environ.get("WHOLE_KILLS", "3"))
STARTS_SECONDS = 10  # the demo's systems, before the run begins to count


def test_published_tables_after_a_kill_equal_those_of_an_undisturbed_run(
    small_world: Path, small_run: Path, tmp_path: Path
) -> None:
    undisturbed = json.loads((small_run / "logs" / "last_run.json").read_text())["seconds"]
    duration = STARTS_SECONDS + sum(undisturbed.values())
    moments = random.Random(os.environ.get("KILL_SEED"))
    for number in range(KILLS):
        workspace = Path(shutil.copytree(small_world, tmp_path / f"killed-{number}"))
        moment = moments.uniform(0.5, duration)
        where = ["--workspace", str(workspace)]
        runner = subprocess.Popen(
            [*TILLMILL, "demo", "run", *where, "--", *TILLMILL, "run", *where],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            runner.wait(moment)
        except subprocess.TimeoutExpired:
            os.killpg(runner.pid, signal.SIGKILL)
            runner.wait()
        run_demo(workspace)
        assert differences(published(small_run), published(workspace)) == [], f"killed after {moment:.2f} s"
        assert status(workspace)["is_accounted"]
        assert not list((workspace / "lake").rglob("*.spool"))
        shutil.rmtree(workspace)
