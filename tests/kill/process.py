"""A pull of a workspace's own sources in a process of its own (`tests.kill.ingest_once`), timed or killed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.kill.ingest_once import ROWS


@contextmanager
def pulling(root: Path, load_rows: int = ROWS) -> Iterator[subprocess.Popen[str]]:
    """A process that has just begun to pull, in loads of so many rows."""
    command = [sys.executable, "-m", "tests.kill.ingest_once", str(root), str(load_rows)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("go\n")
        process.stdin.flush()
        yield process


def undisturbed_seconds(root: Path, load_rows: int = ROWS) -> float:
    """How long the pull takes when it is left alone; each of its streams must come to its end."""
    with pulling(root, load_rows) as process:
        assert process.stdout is not None
        started = time.perf_counter()
        first = process.stdout.readline()
        # Its end takes time too, in which there is nothing left to disturb.
        seconds = time.perf_counter() - started
        said = {first, *process.stdout}
        assert said == {"done\n"}, said
        return seconds


def kill(root: Path, seconds: float, load_rows: int = ROWS) -> bool:
    """Kill a pull after so many seconds; whether it was still at work."""
    with pulling(root, load_rows) as process:
        time.sleep(seconds)
        process.kill()
        return process.communicate()[0] == ""
