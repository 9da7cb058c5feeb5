"""Locks: the second one is told who holds it and since when; a dead holder holds nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ingestion.landing.locks import holder, run_lock, stream_lock
from tillmill.errors import LockedError
from tillmill.workspace import Workspace

HOLD = """
import sys
from pathlib import Path
from ingestion.landing.locks import run_lock
from tillmill.workspace import open_workspace
with run_lock(open_workspace(Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(workspace: Workspace) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, workspace.root],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_the_second_run_is_told_who_holds_the_lock_and_exits_75(workspace: Workspace) -> None:
    with another_process(workspace) as process:
        said = f"a run of this workspace is locked by process {process.pid} since 20"
        with pytest.raises(LockedError, match=said) as told, run_lock(workspace):
            pass
        assert told.value.exit_code == 75
        assert holder(workspace).startswith(f"process {process.pid} since 20")


def test_a_killed_holder_holds_nothing(workspace: Workspace) -> None:
    with another_process(workspace) as process:
        process.kill()
        process.wait()
        assert holder(workspace) == ""
        with run_lock(workspace):
            assert holder(workspace).startswith("process")
    assert holder(workspace) == ""


def test_a_lock_is_free_after_a_failure_and_another_streams_lock_always(workspace: Workspace) -> None:
    with pytest.raises(ZeroDivisionError), stream_lock(workspace, "shop_a", "orders"):
        raise ZeroDivisionError
    with (
        stream_lock(workspace, "shop_a", "orders"),
        stream_lock(workspace, "shop_b", "orders"),
        pytest.raises(LockedError, match="shop_a orders"),
        stream_lock(workspace, "shop_a", "orders"),
    ):
        pass
